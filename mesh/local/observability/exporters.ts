/** How Debian's exporters are run. */
import { join } from 'node:path';
import { loopback, type ServerPorts } from '../ports.ts';
import { writePrivately } from '../secrets.ts';
import { monitoringRole } from '../servers/monitoring.ts';
import { databaseName } from '../servers/postgres.ts';
import { monitoringUser } from '../servers/redis-acl.ts';
import type { StackPlan } from '../stack/plan.ts';
import { type Running, runDir } from './running.ts';
import { redisPortsOf } from './targets.ts';

const exporterMemory = { memoryMegabytes: 48, maxMegabytes: 256 };

export function postgresExporter({ secrets }: StackPlan, ports: ServerPorts): Running {
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
    ...exporterMemory,
  };
}

/**
 * Without an address of its own: it looks at the server that it is asked about. Anybody on this machine may ask it about any,
 * so the password is written down for each of ours, and whoever else is named gets none.
 */
export function redisExporter(plan: StackPlan, ports: ServerPorts): Running {
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
    ...exporterMemory,
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
export function nodeExporter(ports: ServerPorts): Running {
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
    ...exporterMemory,
  };
}
