/** How each program that looks at a stack is run: on this machine alone, within limits, and with no secret on a command line. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AptProgram } from '../parts/apt.ts';
import { loopback, type ServerPorts, serverPorts } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { serverEnvironment } from '../servers/environment.ts';
import { monitoringRole } from '../servers/monitoring.ts';
import { databaseName } from '../servers/postgres.ts';
import { monitoringUser } from '../servers/redis-acl.ts';
import { repositoryRoot } from '../settings.ts';
import type { StackPlan } from '../stack/plan.ts';
import { logPathOf } from '../supervisor/group.ts';
import { httpHeartbeat } from '../supervisor/liveness.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import type { ObserverName } from './programs.ts';
import { renderPrometheusConfig, type ScrapeTarget } from './prometheus-config.ts';
import { redisPortsOf, ruleFiles } from './targets.ts';

/** Of Prometheus: so long and so much is kept, and so much a query may take. */
const kept = { days: 7, megabytes: 512 };
const query = { samples: 2_000_000, timeoutSeconds: 20, atOnce: 4 };

type Running = {
  readonly args: readonly string[];
  readonly port: number;
  /** Answers 200 as soon as it works, and costs nothing. */
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly memoryMegabytes: number;
};

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
  const { args, port, path, memoryMegabytes, env: own = {} } = running[name]();
  return {
    name,
    command: program,
    args,
    // The collector works harder before this is used up; there is none that a program of Go would keep by itself.
    env: { ...serverEnvironment(), ...env, GOMEMLIMIT: `${memoryMegabytes}MiB`, GOMAXPROCS: '1', ...own },
    cwd: runDir(plan),
    logPath: logPathOf(plan.logDir, name),
    probe: () => isThere(port, path),
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
      PROMETHEUS_URL: `http://${loopback}:${ports.prometheus}`,
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
  const flags = {
    'config.file': configPath,
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
  return { args, port: ports.prometheus, path: '/-/ready', memoryMegabytes: 512 };
}

function postgresExporter({ secrets }: StackPlan, ports: ServerPorts): Running {
  return {
    args: [
      `--web.listen-address=${loopback}:${ports.postgresExporter}`,
      '--disable-settings-metrics',
      // It asks for columns that Postgres has had elsewhere since 17: they are in the file.
      '--no-collector.bgwriter',
      `--extend.query-path=${join(import.meta.dirname, 'postgres-queries.yaml')}`,
      ...['--log.level=warn', '--log.format=json'],
    ],
    port: ports.postgresExporter,
    path: '/',
    env: {
      DATA_SOURCE_URI: `${loopback}:${ports.postgres}/${databaseName}?sslmode=disable`,
      DATA_SOURCE_USER: monitoringRole,
      DATA_SOURCE_PASS: secrets.monitoring,
    },
    memoryMegabytes: 48,
  };
}

/**
 * Without an address of its own: it looks at the server that it is asked about. Anybody on this machine may ask it about any,
 * so the password is written down for each of ours, and whoever else is named gets none.
 */
function redisExporter(plan: StackPlan, ports: ServerPorts): Running {
  const passwordsPath = join(runDir(plan), 'redis-passwords.json');
  // Later versions look with the user, earlier ones by the target as it is.
  const ours = redisPortsOf(plan.own, ports).flatMap(([, port]) =>
    ['', `${monitoringUser}@`].map((user) => `redis://${user}${loopback}:${port}`),
  );
  const passwords = Object.fromEntries(ours.map((url) => [url, plan.secrets.redisMonitoring]));
  writePrivately(passwordsPath, JSON.stringify(passwords));
  return {
    args: [
      `--web.listen-address=${loopback}:${ports.redisExporter}`,
      '--redis.addr=',
      `--redis.password-file=${passwordsPath}`,
      '--config-command=-',
      '--connection-timeout=2s',
      ...['--redis-only-metrics', '--log-format=json'],
    ],
    port: ports.redisExporter,
    path: '/',
    env: { REDIS_USER: monitoringUser },
    memoryMegabytes: 48,
  };
}

const notDisks = [
  ...['autofs', 'binfmt_misc', 'bpf', 'cgroup2?', 'configfs', 'debugfs', 'devpts', 'devtmpfs', 'fusectl', 'hugetlbfs'],
  ...[
    'mqueue',
    'nsfs',
    'proc',
    'procfs',
    'pstore',
    'rpc_pipefs',
    'securityfs',
    'squashfs',
    'sysfs',
    'tmpfs',
    'tracefs',
  ],
];

/** What is asked of a machine that runs a stack: its processors, its memory and its disks. */
function nodeExporter(ports: ServerPorts): Running {
  const collectors = ['cpu', 'diskstats', 'filefd', 'filesystem', 'loadavg', 'meminfo', 'netdev', 'pressure', 'stat'];
  return {
    args: [
      `--web.listen-address=${loopback}:${ports.nodeExporter}`,
      '--web.disable-exporter-metrics',
      '--collector.disable-defaults',
      ...collectors.map((name) => `--collector.${name}`),
      // By default it leaves out what a container stands on.
      `--collector.filesystem.fs-types-exclude=^(${notDisks.join('|')})$`,
      '--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys)($|/)',
      '--log.level=warn',
    ],
    port: ports.nodeExporter,
    path: '/',
    memoryMegabytes: 48,
  };
}

function runDir({ stateDir }: StackPlan): string {
  const folder = join(stateDir, 'run/observability');
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}

async function isThere(port: number, path: string): Promise<boolean> {
  const response = await fetch(`http://${loopback}:${port}${path}`, { signal: AbortSignal.timeout(1_000) });
  await response.body?.cancel();
  return response.status === 200;
}
