import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CliError } from './cli/cli-error.ts';
import { type Limits, readLimits } from './limits.ts';
import { loopback, PORTS_OF_A_STACK, serverPorts } from './ports.ts';
import { maxReplicas } from './stack/replicas.ts';

/** The folder that holds proto/, services/, mesh/ and so on. */
export const repositoryRoot = resolve(import.meta.dirname, '../..');

/** Servers that one has already; each is an administrator's URL. */
export type OwnServers = {
  readonly databaseUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly natsUrl?: string | undefined;
  /** Where limits are counted; the server of redisUrl when that one alone is given. */
  readonly limitsRedisUrl?: string | undefined;
  /** Where mails are given, to be sent on. */
  readonly smtpUrl?: string | undefined;
};

export type Settings = {
  /** Data, logs, secrets and sockets of this stack. */
  readonly stateDir: string;
  /** Fetched parts; shared by all checkouts of one user. */
  readonly cacheDir: string;
  /** The front door's port; all others follow from it (ports.ts). */
  readonly portBase: number;
  /** Processes of every service. */
  readonly replicas: number;
  /** Where clients reach the front door; issuer of the tokens. */
  readonly publicUrl: string;
  /** Origins whose pages may call the API from a browser. */
  readonly corsOrigins: readonly string[];
  /** Proxies in front of Envoy whose X-Forwarded-For is believed. */
  readonly trustedHops: number;
  /** Whether a request's own `traceparent` is believed. */
  readonly trustTraceparent: boolean;
  /** Posts of authors with more followers are pulled by these; undefined: the user service's own limit. */
  readonly maxPushedFollowers?: number | undefined;
  /** What one may ask, and how often one may try to come in. */
  readonly limits: Limits;
  readonly own: OwnServers;
  /** Those of runtimeVariables and fixedVariables that are given, as text. */
  readonly variables: Readonly<Record<string, string>>;
  /** Whether Prometheus, its exporters, and what keeps traces run beside the stack. */
  readonly observability: boolean;
  /** Where spans go (OTLP over HTTP), and how many of a hundred requests are traced. */
  readonly tracing?: { readonly otlpEndpoint: string; readonly samplingPercent: number } | undefined;
};

/** What the processes of a stack get from the environment of `./oxo up`, and a roll can change. */
export const runtimeVariables = [
  ...['OXO_CORS_ORIGINS', 'OXO_TRUSTED_HOPS', 'OXO_MAX_PUSHED_FOLLOWERS', 'OXO_RATE_LIMITS', 'MAIL_FROM', 'LOG_LEVEL'],
  ...['KEY_PUBLISHED_FOR_MS', 'KEY_ROTATE_AFTER_DAYS', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_SAMPLER_ARG'],
  ...['OXO_OBSERVABILITY', 'OXO_TRUST_TRACEPARENT'],
] as const;

/** What only a new start changes, since ports, servers or tokens hold it. */
export const fixedVariables = [
  ...[
    'OXO_PORT_BASE',
    'OXO_REPLICAS',
    'OXO_PUBLIC_URL',
    'DATABASE_URL',
    'REDIS_URL',
    'LIMITS_REDIS_URL',
    'NATS_URL',
    'MAIL_SMTP_URL',
  ],
] as const;

const maxPortBase = 65_535 - PORTS_OF_A_STACK;

/**
 * Reads the settings of one machine from the environment.
 * @throws CliError that names every wrong variable at once.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const problems: string[] = [];
  const portBase = readInteger(env, 'OXO_PORT_BASE', 8080, 1024, maxPortBase, problems);
  const observability = readSwitch(env, 'OXO_OBSERVABILITY', problems);
  const settings: Settings = {
    stateDir: resolve(env.OXO_STATE_DIR || join(repositoryRoot, '.oxo')),
    cacheDir: readCacheDir(env),
    portBase,
    replicas: readInteger(env, 'OXO_REPLICAS', 1, 1, maxReplicas, problems),
    publicUrl: readPublicUrl(env, problems) ?? `http://127.0.0.1:${portBase}`,
    corsOrigins: readOrigins(env, problems),
    trustedHops: readInteger(env, 'OXO_TRUSTED_HOPS', 0, 0, 10, problems),
    trustTraceparent: readSwitch(env, 'OXO_TRUST_TRACEPARENT', problems),
    maxPushedFollowers: env.OXO_MAX_PUSHED_FOLLOWERS
      ? readInteger(env, 'OXO_MAX_PUSHED_FOLLOWERS', 0, 0, 100_000_000, problems)
      : undefined,
    limits: readLimits(env, problems),
    observability,
    tracing: readTracing(env, observability ? ownCollector(portBase) : undefined, problems),
    variables: pick(env, [...runtimeVariables, ...fixedVariables]),
    own: {
      databaseUrl: readUrl(env, 'DATABASE_URL', ['postgres:', 'postgresql:'], problems),
      redisUrl: readUrl(env, 'REDIS_URL', ['redis:', 'rediss:'], problems),
      natsUrl: readUrl(env, 'NATS_URL', ['nats:', 'tls:'], problems),
      limitsRedisUrl: readUrl(env, 'LIMITS_REDIS_URL', ['redis:', 'rediss:'], problems),
      smtpUrl: readUrl(env, 'MAIL_SMTP_URL', ['smtp:', 'smtps:'], problems),
    },
  };
  if (problems.length > 0) throw new CliError('wrong settings in the environment', { advice: problems });
  return settings;
}

/** The variables of these names that are given. */
export function pick(env: Readonly<NodeJS.ProcessEnv>, names: readonly string[]): Record<string, string> {
  const given = names.map((name) => [name, env[name]] as const);
  return Object.fromEntries(given.filter((entry): entry is [string, string] => Boolean(entry[1])));
}

/** Where fetched parts are kept. */
export function readCacheDir(env: NodeJS.ProcessEnv): string {
  return resolve(env.OXO_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'oxo'));
}

function readInteger(
  env: NodeJS.ProcessEnv,
  name: string,
  fallback: number,
  min: number,
  max: number,
  problems: string[],
): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  problems.push(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
  return fallback;
}

/** The value may hold a password, so problems name the variable and never the value. */
function readUrl(
  env: NodeJS.ProcessEnv,
  name: string,
  protocols: readonly string[],
  problems: string[],
): string | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  const url = URL.parse(text);
  if (url !== null && !isDecodable(url)) problems.push(`${name} holds a % that is not written %25`);
  if (url !== null && protocols.includes(url.protocol) && url.host !== '') return text.replace(/\/+$/, '');
  problems.push(`${name} must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
  return undefined;
}

/** It stands in every token and in Envoy's configuration, so it is written in one way only. */
function readPublicUrl(env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const text = readUrl(env, 'OXO_PUBLIC_URL', ['http:', 'https:'], problems);
  if (text === undefined) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    problems.push('OXO_PUBLIC_URL must not hold a user, a query or a fragment');
  }
  return url.href.replace(/\/+$/, '');
}

/** User and password are decoded by whoever connects. */
function isDecodable(url: URL): boolean {
  try {
    decodeURIComponent(`${url.username}${url.password}`);
    return true;
  } catch {
    return false;
  }
}

/** Where a stack's own collector takes spans, unless another one is given. */
export function ownCollector(portBase: number): string {
  return `http://${loopback}:${serverPorts(portBase).telemetry}`;
}

function readSwitch(env: NodeJS.ProcessEnv, name: string, problems: string[]): boolean {
  const text = env[name] || 'off';
  if (text !== 'on' && text !== 'off') problems.push(`${name} must be on or off, not "${text}"`);
  return text === 'on';
}

/**
 * The variables that the services read as well, so that Envoy begins the traces that they continue. Who looks at a stack on one machine wants to
 * find the request that was just sent, so that each is traced there; a collector elsewhere gets one of a hundred, as in a cluster.
 */
function readTracing(env: NodeJS.ProcessEnv, own: string | undefined, problems: string[]): Settings['tracing'] {
  const other = readUrl(env, 'OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:'], problems);
  const otlpEndpoint = other ?? own;
  const share = Number(env.OTEL_TRACES_SAMPLER_ARG || (other === undefined ? '1' : '0.01'));
  if (!(share >= 0 && share <= 1)) problems.push('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1');
  return otlpEndpoint === undefined ? undefined : { otlpEndpoint, samplingPercent: share * 100 };
}

/** Any page may call a public API that knows no cookies; who wants less says which, or "none". */
function readOrigins(env: NodeJS.ProcessEnv, problems: string[]): string[] {
  const text = env.OXO_CORS_ORIGINS || '*';
  if (text === 'none') return [];
  const origins = text.split(',').map((origin) => origin.trim());
  const named = origins.filter((origin) => origin !== '');
  for (const origin of named) {
    if (origin !== '*' && (URL.parse(origin)?.origin !== origin || origin === 'null')) {
      problems.push(`OXO_CORS_ORIGINS holds "${origin}", which is no origin (https://app.example.org)`);
    }
  }
  return named;
}
