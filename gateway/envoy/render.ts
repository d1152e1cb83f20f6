import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { accessLog } from './access-log.ts';
import { clusters } from './clusters.ts';
import { exchange } from './exchange.ts';
import { claimHeaders, filterHeaders } from './limits/callers.ts';
import { limitHeaders, networkLimit, readLimit, writeSieve } from './limits/local.ts';
import { productionLimits } from './limits/rates.ts';
import { writeLimit } from './limits/service.ts';
import { localReplyConfig } from './local-replies.ts';
import {
  addWhenAbsent,
  corsPolicy,
  foreignTrace,
  overwrite,
  securityHeaders,
  socketAddress,
  tracing,
  transcoder,
} from './parts.ts';
import { routes } from './routes.ts';
import { type EnvoySettings, MAX_BODY_BYTES } from './settings.ts';

export { type EdgeLimits, productionLimits, type Rate } from './limits/rates.ts';
export { renderRateLimits } from './limits/service.ts';
export type { Endpoint, EnvoySettings, StaticFile, UpstreamName } from './settings.ts';

const PLACEHOLDER = /^\$\{(\w+)\}$/;
/** Headers of requests that no service asks for; the cookie goes by route (http-routes.ts). */
const SECRETS = ['x-envoy-external-address', 'x-envoy-internal', 'proxy-authorization', 'x-api-key', 'referer'];
const MIB = 1024 * 1024;
const DEFAULT_MAX_CONNECTIONS = 10_000;
const DEFAULT_JWKS_CACHE_MS = 60_000;
const DEFAULT_CLIENT_TIMEOUT_MS = 15_000;

/**
 * The configuration of Envoy for one place, as YAML for `envoy --config-path`.
 *
 * @throws Error when the template names a value that does not exist.
 */
export function renderEnvoyConfig(settings: EnvoySettings): string {
  const values = templateValues(settings);
  const template: unknown = parse(read('envoy.template.yaml'));
  return stringify(fill(template, values), { aliasDuplicateObjects: false, lineWidth: 0 });
}

function templateValues(settings: EnvoySettings): ReadonlyMap<string, unknown> {
  const headers = securityHeaders(settings);
  const limits = settings.limits ?? productionLimits;
  return new Map<string, unknown>([
    ['adminAddress', socketAddress(settings.admin)],
    ['listenAddress', socketAddress(settings.listen)],
    ['maxHeapBytes', (settings.maxHeapMib ?? 512) * MIB],
    ['maxConnections', settings.maxConnections ?? DEFAULT_MAX_CONNECTIONS],
    ['maxBodyBytes', MAX_BODY_BYTES],
    ['clientTimeout', `${(settings.clientTimeoutMs ?? DEFAULT_CLIENT_TIMEOUT_MS) / 1000}s`],
    ['jwksCache', `${(settings.jwksCacheMs ?? DEFAULT_JWKS_CACHE_MS) / 1000}s`],
    ['trustedHops', settings.trustedHops],
    ['issuer', settings.publicUrl],
    ['tracing', tracing(settings)],
    ['foreignTrace', foreignTrace(settings)],
    ['accessLog', accessLog()],
    ['localReplies', localReplyConfig(headers)],
    ['securityHeaders', securityHeaders(settings, addWhenAbsent)],
    // One address, the client's own: what the client claims about itself goes no further.
    ['requestHeaders', [overwrite('x-forwarded-for', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%')]],
    ['corsPolicy', corsPolicy(settings)],
    ['routes', routes(settings)],
    ['statusLua', read('status.lua')],
    ['requestIdLua', read('request-id.lua')],
    ['exchange', exchange()],
    ['transcoder', transcoder(settings)],
    ['claimHeaders', claimHeaders],
    ['removedHeaders', [...SECRETS, ...filterHeaders]],
    ['limitHeaders', limitHeaders],
    ['networkLimit', networkLimit(limits)],
    ['readLimit', readLimit(limits)],
    ['writeSieve', settings.ratelimit && { name: 'write_sieve', typed_config: writeSieve(limits) }],
    ['writeLimit', settings.ratelimit && { name: 'envoy.filters.http.ratelimit', typed_config: writeLimit }],
    ['clusters', clusters(settings)],
  ]);
}

/** Replaces every scalar of the form ${name}; a key or an item whose value is undefined goes. */
function fill(node: unknown, values: ReadonlyMap<string, unknown>): unknown {
  if (typeof node === 'string') {
    const name = PLACEHOLDER.exec(node)?.[1];
    if (name === undefined) return node;
    if (!values.has(name)) throw new Error(`envoy.template.yaml: \${${name}} has no value`);
    return values.get(name);
  }
  if (Array.isArray(node)) return node.map((item) => fill(item, values)).filter((item) => item !== undefined);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).map(([key, value]) => [key, fill(value, values)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}
