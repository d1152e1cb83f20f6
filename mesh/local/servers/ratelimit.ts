import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type EdgeLimits, type Endpoint, renderRateLimits } from '../../../gateway/envoy/render.ts';
import { loopback, serverPorts } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';
import { ratelimitKeyPrefix } from './redis-acl.ts';

export type RatelimitOptions = {
  readonly program: string;
  /** Its configuration and its socket. */
  readonly runDir: string;
  readonly logPath: string;
  readonly portBase: number;
  /** For Envoy; undefined: by its port. */
  readonly socketPath: string | undefined;
  readonly limits: EdgeLimits;
  /** Whether it tells how it does, by a port of its own. */
  readonly metrics: boolean;
  readonly redis: RatelimitRedis;
};

export type RatelimitRedis = {
  readonly url: string;
  /** Instead of the URL's host and port. */
  readonly socketPath: string | undefined;
  readonly user: string;
  readonly password: string;
};

/** Writes the limits, and tells how to run Envoy's rate limit service. */
export function prepareRatelimit(options: RatelimitOptions): ProcessSpec {
  const { ratelimitHttp } = serverPorts(options.portBase);
  const configDir = join(options.runDir, 'config');
  mkdirSync(configDir, { recursive: true });
  writePrivately(join(configDir, 'oxo.yaml'), renderRateLimits(options.limits));
  if (options.socketPath !== undefined) mkdirSync(dirname(options.socketPath), { recursive: true });
  return {
    name: 'ratelimit',
    // The socket that a kill has left would keep it from listening.
    command: '/bin/sh',
    args: ['-c', 'rm -f "$GRPC_UDS" && exec "$0"', options.program],
    env: { ...serverEnvironment(), ...settingsOf(options), ...redisSettings(options.redis) },
    cwd: options.runDir,
    logPath: options.logPath,
    probe: async () => (await isHealthy(ratelimitHttp)) && answers(ratelimitHttp),
    readyTimeoutMs: 20_000,
    heartbeat: httpHeartbeat(ratelimitHttp, '/healthcheck'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

/** Where Envoy finds it. */
export function ratelimitEndpoint(portBase: number, socketPath: string | undefined): Endpoint | { path: string } {
  if (socketPath !== undefined) return { path: socketPath };
  return { host: loopback, port: serverPorts(portBase).ratelimit };
}

function settingsOf({ runDir, portBase, socketPath, metrics }: RatelimitOptions): Record<string, string> {
  const ports = serverPorts(portBase);
  return {
    ...{ HOST: loopback, PORT: String(ports.ratelimitHttp), GRPC_HOST: loopback, GRPC_PORT: String(ports.ratelimit) },
    ...{ DEBUG_HOST: loopback, DEBUG_PORT: String(ports.ratelimitDebug) },
    GRPC_UDS: socketPath ?? '',
    ...{ RUNTIME_ROOT: runDir, RUNTIME_SUBDIRECTORY: '', RUNTIME_APPDIRECTORY: 'config', RUNTIME_WATCH_ROOT: 'false' },
    ...{ RUNTIME_IGNOREDOTFILES: 'true', HEALTHY_WITH_AT_LEAST_ONE_CONFIG_LOADED: 'true' },
    // Its sink for no statsd would write each figure into the log.
    ...(metrics
      ? { USE_STATSD: 'false', USE_PROMETHEUS: 'true', PROMETHEUS_ADDR: `${loopback}:${ports.ratelimitMetrics}` }
      : { DISABLE_STATS: 'true' }),
    ...{ LOG_LEVEL: 'info', LOG_FORMAT: 'json' },
    LIMIT_RESPONSE_HEADERS_ENABLED: 'true',
    // Who is over a limit is known without asking Redis again.
    LOCAL_CACHE_SIZE_IN_BYTES: String(4 * 1024 * 1024),
    EXPIRATION_JITTER_MAX_SECONDS: '5',
    // Its heap is small, and a second processor would only wake it more often.
    ...{ GOMAXPROCS: '1', GOMEMLIMIT: '64MiB' },
  };
}

function redisSettings({ url, socketPath, user, password }: RatelimitRedis): Record<string, string> {
  const { protocol, host } = new URL(url);
  return {
    BACKEND_TYPE: 'redis',
    CACHE_KEY_PREFIX: ratelimitKeyPrefix,
    REDIS_AUTH: `${user}:${password}`,
    REDIS_TLS: String(protocol === 'rediss:'),
    REDIS_POOL_SIZE: '4',
    REDIS_TIMEOUT: '1s',
    ...(socketPath === undefined
      ? { REDIS_SOCKET_TYPE: 'tcp', REDIS_URL: host }
      : { REDIS_SOCKET_TYPE: 'unix', REDIS_URL: socketPath }),
  };
}

async function isHealthy(port: number): Promise<boolean> {
  const response = await fetch(`http://${loopback}:${port}/healthcheck`, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}

/** Asks once as Envoy will, whatever comes of it: the first answer takes longer than Envoy waits. */
async function answers(port: number): Promise<boolean> {
  const entries = [
    { key: 'counted', value: 'counted' },
    { key: 'network', value: 'none' },
  ];
  const response = await fetch(`http://${loopback}:${port}/json`, {
    method: 'POST',
    body: JSON.stringify({ domain: 'oxo', descriptors: [{ entries }] }),
    signal: AbortSignal.timeout(2_000),
  });
  await response.body?.cancel();
  return true;
}
