import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type EdgeLimits,
  type Endpoint,
  renderEnvoyConfig,
  type StaticFile,
  type UpstreamName,
} from '../../../gateway/envoy/render.ts';
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
  readonly trustTraceparent?: boolean;
  /** Worker threads. */
  readonly concurrency: number;
  /** gRPC addresses of all replicas by service name. */
  readonly upstreams: Readonly<Record<UpstreamName, readonly Endpoint[]>>;
  /** Where the replicas of auth serve the public keys. */
  readonly authHttp: readonly Endpoint[];
  readonly limits: EdgeLimits;
  /** What it answers itself. */
  readonly files: readonly StaticFile[];
  /** Where the rate limit service is; undefined: there is none. */
  readonly ratelimit: Endpoint | { path: string } | undefined;
  /** How long the public keys are kept. */
  readonly jwksCacheMs?: number | undefined;
  /** Where spans go, and how many of a hundred requests are traced. */
  readonly tracing?: { readonly otlpEndpoint: string; readonly samplingPercent: number } | undefined;
  /** True: a second one, which serves on the same port beside the first while that is replaced. */
  readonly standIn?: boolean;
  /** True: the configuration is made, to see that it can be, but what lies there stays until this front door takes its turn. */
  readonly keep?: boolean;
};

/** Writes the configuration file, and tells how to run the front door. */
export function prepareEnvoy(options: EnvoyOptions): ProcessSpec {
  const ports = serverPorts(options.portBase);
  const { standIn = false } = options;
  const adminPort = standIn ? ports.envoyStandInAdmin : ports.envoyAdmin;
  const config = renderEnvoyConfig({
    listen: { host: loopback, port: ports.frontDoor },
    admin: { host: loopback, port: adminPort },
    upstreams: options.upstreams,
    authHttp: options.authHttp,
    descriptorPath: join(repositoryRoot, 'gen/envoy/oxo.binpb'),
    files: options.files,
    publicUrl: options.publicUrl,
    corsOrigins: options.corsOrigins,
    trustedHops: options.trustedHops,
    trustTraceparent: options.trustTraceparent ?? false,
    limits: options.limits,
    ...(options.ratelimit === undefined ? {} : { ratelimit: options.ratelimit }),
    maxConnections: connectionsWithin(openFilesLimit()),
    ...(options.jwksCacheMs === undefined ? {} : { jwksCacheMs: options.jwksCacheMs }),
    ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
  });
  const configPath = join(options.runDir, standIn ? 'envoy-stand-in.yaml' : 'envoy.yaml');
  if (!options.keep || !existsSync(configPath)) {
    mkdirSync(options.runDir, { recursive: true });
    writePrivately(configPath, config);
  }
  return {
    name: standIn ? envoyStandIn : 'envoy',
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
    probe: () => isReady(adminPort),
    readyTimeoutMs: 20_000,
    heartbeat: httpHeartbeat(adminPort, '/ready'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

/** Name of the second front door. */
export const envoyStandIn = 'envoy-stand-in';
const drainTimeoutMs = 8_000;
const drainPollMs = 50;

/**
 * Lets a front door accept no more and end each connection with its next answer; waits until none is left, for a few seconds at most.
 * Whoever else listens on the same port gets the new ones.
 */
export async function drainEnvoy(portBase: number, standIn: boolean): Promise<void> {
  const ports = serverPorts(portBase);
  const admin = `http://${loopback}:${standIn ? ports.envoyStandInAdmin : ports.envoyAdmin}`;
  await ask(`${admin}/drain_listeners`, 'POST');
  await ask(`${admin}/healthcheck/fail`, 'POST');
  const deadlineMs = performance.now() + drainTimeoutMs;
  while (performance.now() < deadlineMs) {
    const counts = await ask(`${admin}/stats?filter=^http\\..*downstream_cx_active$`, 'GET');
    const ofClients = counts.split('\n').filter((line) => line !== '' && !line.startsWith('http.admin.'));
    if (ofClients.every((line) => line.endsWith(': 0'))) return;
    await delay(drainPollMs);
  }
}

/** Whether the front door uses every replica: one that could not be reached is left out for some seconds. */
export async function nobodyRests(portBase: number): Promise<boolean> {
  const admin = `http://${loopback}:${serverPorts(portBase).envoyAdmin}`;
  const counts = await ask(`${admin}/stats?filter=outlier_detection.ejections_active`, 'GET');
  return counts.split('\n').every((line) => line === '' || line.endsWith(': 0'));
}

async function ask(url: string, method: 'GET' | 'POST'): Promise<string> {
  const response = await fetch(url, { method, signal: AbortSignal.timeout(2_000) });
  return response.text();
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
