import { join, resolve } from 'node:path';
import { z } from 'zod';
import { readEnv, setting } from '#kit/process/config.ts';
import { renderEnvoyConfig } from '../../../gateway/envoy/render.ts';
import { buildSite } from '../../../gateway/web/site.ts';

const repository = resolve(import.meta.dirname, '../../..');

const origins = () => z.string().transform((text) => (text === 'none' ? [] : text.split(',').map((one) => one.trim())));

/** What the front door reads of its environment in a cluster. */
const settings = {
  JWT_ISSUER: setting.url('http', 'https'),
  /** Proxies of ours in front of it whose x-forwarded-for is believed: Istio's ingress, and what stands before that. */
  TRUSTED_HOPS: setting.integer(0, 10),
  /** Origins whose pages may call; "*" for any, "none". */
  CORS_ORIGINS: origins(),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting.url('http', 'https').optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(0.01),
  /** Whether what stands in front begins traces, and takes none from strangers. */
  TRUST_TRACEPARENT: z.enum(['on', 'off']).default('off'),
};

const GRPC_PORT = 50_051;
const AUTH_HTTP_PORT = 8_081;
const RATELIMIT_PORT = 8_081;

/**
 * Envoy's configuration for a pod: services by the names of their Services.
 * @param folder for the files of the API reference; Envoy finds them there
 * @throws ConfigError naming every setting that is missing or wrong
 */
export function renderGateway(env: NodeJS.ProcessEnv, folder: string): string {
  const read = readEnv(settings, env);
  const service = (host: string, port = GRPC_PORT) => ({ host, port });
  return renderEnvoyConfig({
    listen: { host: '0.0.0.0', port: 8_080 },
    admin: { host: '0.0.0.0', port: 9_901 },
    upstreams: { auth: service('auth'), user: service('user'), post: service('post'), feed: service('feed') },
    authHttp: service('auth', AUTH_HTTP_PORT),
    // The sidecar finds a service by its name, and would pass anything else on as plain text, or not at all.
    ownHosts: true,
    ratelimit: service('ratelimit', RATELIMIT_PORT),
    descriptorPath: join(repository, 'gen/envoy/oxo.binpb'),
    files: buildSite({ openapiPath: join(repository, 'gen/openapi.yaml'), targetDir: join(folder, 'site') }),
    publicUrl: read.JWT_ISSUER,
    corsOrigins: read.CORS_ORIGINS,
    trustedHops: read.TRUSTED_HOPS,
    trustTraceparent: read.TRUST_TRACEPARENT === 'on',
    ...(read.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
      ? {}
      : {
          tracing: {
            otlpEndpoint: read.OTEL_EXPORTER_OTLP_ENDPOINT,
            samplingPercent: read.OTEL_TRACES_SAMPLER_ARG * 100,
          },
        }),
  });
}
