/** How each program that looks at a stack is run: on this machine alone, within limits, and with no secret on a command line. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { stringify } from 'yaml';
import type { AptProgram } from '../parts/apt.ts';
import { loopback, type ServerPorts, serverPorts } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { serverEnvironment } from '../servers/environment.ts';
import { repositoryRoot } from '../settings.ts';
import { prometheusUser, type StackPlan } from '../stack/plan.ts';
import { logPathOf } from '../supervisor/group.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { nodeExporter, postgresExporter, redisExporter } from './exporters.ts';
import type { ObserverName } from './programs.ts';
import { fetchPrometheus } from './prometheus-client.ts';
import { renderPrometheusConfig, type ScrapeTarget } from './prometheus-config.ts';
import { type Running, runDir } from './running.ts';
import { ruleFiles } from './targets.ts';

/** Of Prometheus: so long and so much is kept, and so much a query may take. */
const kept = { days: 7, megabytes: 512 };
const query = { samples: 2_000_000, timeoutSeconds: 20, atOnce: 4 };

/** Tells how to run one of them. @param targets what Prometheus asks */
export function observerSpec(
  plan: StackPlan,
  name: ObserverName,
  { program, env }: AptProgram,
  targets: readonly ScrapeTarget[],
): ProcessSpec {
  const ports = serverPorts(plan.portBase);
  const running: Record<ObserverName, () => Running> = {
    prometheus: () => prometheus(plan, ports, targets),
    'postgres-exporter': () => postgresExporter(plan, ports),
    'redis-exporter': () => redisExporter(plan, ports),
    'node-exporter': () => nodeExporter(ports),
  };
  const { args, port, path, url, memoryMegabytes, maxMegabytes, env: own = {} } = running[name]();
  return {
    name,
    ...bounded(program, args, maxMegabytes),
    env: { ...serverEnvironment(), ...env, GOMEMLIMIT: `${memoryMegabytes}MiB`, GOMAXPROCS: '1', ...own },
    cwd: runDir(plan),
    logPath: logPathOf(plan.logDir, name),
    probe: () => isThere(port, path, url),
    readyTimeoutMs: 60_000,
    heartbeat: httpHeartbeat(port, path),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 15_000,
  };
}

/** Tells how to run what takes traces, shows them, and tells Prometheus how NATS does. */
export function telemetrySpec(plan: StackPlan): ProcessSpec {
  const ports = serverPorts(plan.portBase);
  return {
    name: 'telemetry',
    command: process.execPath,
    args: ['--max-old-space-size=192', 'mesh/local/observability/main.ts'],
    env: {
      ...serverEnvironment(),
      TELEMETRY_FOLDER: join(plan.stateDir, 'data/traces'),
      TELEMETRY_PORT: String(ports.telemetry),
      PROMETHEUS_URL: plan.urls.prometheus ?? '',
      ...(plan.urls.natsMonitor === undefined ? {} : { NATS_MONITOR_URL: plan.urls.natsMonitor }),
    },
    cwd: repositoryRoot,
    logPath: logPathOf(plan.logDir, 'telemetry'),
    probe: () => isThere(ports.telemetry, '/livez'),
    readyTimeoutMs: 30_000,
    heartbeat: httpHeartbeat(ports.telemetry, '/livez'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

function prometheus(plan: StackPlan, ports: ServerPorts, targets: readonly ScrapeTarget[]): Running {
  const dataDir = join(plan.stateDir, 'data/prometheus');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const configPath = join(runDir(plan), 'prometheus.yaml');
  writePrivately(configPath, renderPrometheusConfig(targets, ruleFiles()));
  const webPath = join(runDir(plan), 'prometheus-web.yaml');
  // Read again for each request. Of a password that nobody can guess the hash need not be slow.
  writePrivately(webPath, stringify({ basic_auth_users: { [prometheusUser]: hashSync(plan.secrets.prometheus, 4) } }));
  const flags = {
    'config.file': configPath,
    'web.config.file': webPath,
    'storage.tsdb.path': dataDir,
    'storage.tsdb.retention.time': `${kept.days}d`,
    'storage.tsdb.retention.size': `${kept.megabytes}MB`,
    'query.max-samples': String(query.samples),
    'query.timeout': `${query.timeoutSeconds}s`,
    'query.max-concurrency': String(query.atOnce),
    'web.listen-address': `${loopback}:${ports.prometheus}`,
    'web.max-connections': '64',
    // No page of another origin reads it.
    'web.cors.origin': 'none',
    'log.level': 'warn',
    'log.format': 'json',
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  return {
    ...{ args, port: ports.prometheus, path: '/-/ready', url: plan.urls.prometheus },
    ...{ memoryMegabytes: 512, maxMegabytes: 1_024 },
  };
}

/**
 * GOMEMLIMIT is a wish, and one query may want gigabytes. So the kernel refuses what is too much (`ulimit -d`: memory that is its own and
 * can be written), and a program of Go ends. `ulimit -v` would count what Go and the store of Prometheus only map.
 */
function bounded(program: string, args: readonly string[], megabytes: number): Pick<ProcessSpec, 'command' | 'args'> {
  return {
    command: '/bin/sh',
    args: ['-c', 'ulimit -d "$1" && shift && exec "$@"', 'sh', String(megabytes * 1024), program, ...args],
  };
}

async function isThere(port: number, path: string, url = `http://${loopback}:${port}`): Promise<boolean> {
  const response = await fetchPrometheus(url, path, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}
