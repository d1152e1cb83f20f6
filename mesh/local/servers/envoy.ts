import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Endpoint, renderEnvoyConfig, type UpstreamName } from '../../../gateway/envoy/render.ts';
import { loopback, serverPorts } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { repositoryRoot } from '../settings.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';

export type EnvoyOptions = {
  readonly program: string;
  readonly runDir: string;
  /** The access log (JSON lines) and Envoy's own. */
  readonly logPath: string;
  readonly portBase: number;
  readonly publicUrl: string;
  readonly corsOrigins: readonly string[];
  readonly trustedHops: number;
  /** Worker threads. */
  readonly concurrency: number;
  /** gRPC addresses of all replicas by service name. */
  readonly upstreams: Readonly<Record<UpstreamName, readonly Endpoint[]>>;
  /** Where the replicas of auth serve the public keys. */
  readonly authHttp: readonly Endpoint[];
  /** How long the public keys are kept. */
  readonly jwksCacheMs?: number | undefined;
  /** Where spans go, and how many of a hundred requests are traced. */
  readonly tracing?: { readonly otlpEndpoint: string; readonly samplingPercent: number } | undefined;
};

/** Writes the configuration file, and tells how to run the front door. */
export function prepareEnvoy(options: EnvoyOptions): ProcessSpec {
  const ports = serverPorts(options.portBase);
  const config = renderEnvoyConfig({
    listen: { host: loopback, port: ports.frontDoor },
    admin: { host: loopback, port: ports.envoyAdmin },
    upstreams: options.upstreams,
    authHttp: options.authHttp,
    descriptorPath: join(repositoryRoot, 'gen/envoy/oxo.binpb'),
    openapiPath: join(repositoryRoot, 'gen/openapi.yaml'),
    publicUrl: options.publicUrl,
    corsOrigins: options.corsOrigins,
    trustedHops: options.trustedHops,
    maxConnections: connectionsWithin(openFilesLimit()),
    ...(options.jwksCacheMs === undefined ? {} : { jwksCacheMs: options.jwksCacheMs }),
    ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
  });
  mkdirSync(options.runDir, { recursive: true });
  const configPath = join(options.runDir, 'envoy.yaml');
  writePrivately(configPath, config);
  return {
    name: 'envoy',
    command: options.program,
    args: [
      ...['--config-path', configPath, '--concurrency', String(options.concurrency)],
      // Without hot restart there is no shared memory, so several run beside each other.
      ...[
        '--disable-hot-restart',
        '--log-level',
        'warning',
        '--drain-time-s',
        '5',
        '--file-flush-interval-msec',
        '1000',
      ],
    ],
    env: serverEnvironment(),
    cwd: options.runDir,
    logPath: options.logPath,
    probe: () => isReady(ports.envoyAdmin),
    readyTimeoutMs: 20_000,
    heartbeat: httpHeartbeat(ports.envoyAdmin, '/ready'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

const maxConnections = 10_000;
/** Files that Envoy has open besides: connections to services, logs, its own. */
const otherFiles = 512;

/**
 * Connections that clients may hold at once. Without files for them Envoy could accept none, and would turn in a circle.
 * @param openFiles that a process may have
 */
export function connectionsWithin(openFiles: number): number {
  return Math.max(64, Math.min(maxConnections, openFiles - otherFiles));
}

/** The files that a process of ours may have open: Node raises its own limit to the most that it may, and its children get the same. */
function openFilesLimit(): number {
  const most = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return most === undefined ? Number.POSITIVE_INFINITY : Number(most);
}

async function isReady(adminPort: number): Promise<boolean> {
  const response = await fetch(`http://${loopback}:${adminPort}/ready`, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}
