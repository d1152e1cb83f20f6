import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { CliError } from './cli/cli-error.ts';
import { tryLock } from './machine/lock.ts';
import { findListeners, type Listener, nameListener } from './supervisor/listeners.ts';

/** Every server listens here; nothing of a local stack is reachable from other machines. */
export const loopback = '127.0.0.1';

/** So many ports, from its base on, belong to a stack. */
export const PORTS_OF_A_STACK = 100;

/** Distances from the port base. */
const offsets = {
  frontDoor: 0,
  envoyAdmin: 1,
  postgres: 2,
  redis: 3,
  nats: 4,
  natsMonitor: 5,
  /** Of the front door that takes over for a moment while the other is replaced. */
  envoyStandInAdmin: 20,
  // 6 to 9 are where auth serves HTTP, see replicas.ts.
  limitsRedis: 21,
  ratelimit: 22,
  ratelimitHttp: 23,
  ratelimitDebug: 24,
  mailSmtp: 25,
  mailPage: 26,
  prometheus: 27,
  telemetry: 28,
  nodeExporter: 29,
  // The tenth port of a block of services (stack/replicas.ts), which have nine.
  postgresExporter: 19,
  redisExporter: 39,
  ratelimitMetrics: 49,
} as const;

export type ServerPorts = Readonly<Record<keyof typeof offsets, number>>;

/** The servers' ports; those of the services are in stack/replicas.ts. */
export function serverPorts(portBase: number): ServerPorts {
  const entries = Object.entries(offsets).map(([name, offset]) => [name, portBase + offset]);
  return Object.fromEntries(entries) as ServerPorts;
}

/**
 * Makes sure that nobody listens on the ports that a stack is about to use.
 * @param wanted name → port
 * @param stackDir state folder of a stack that runs and may have them
 * @throws CliError that names who uses them, one port of each, and what to do
 */
export async function requireFreePorts(wanted: ReadonlyMap<string, number>, stackDir?: string): Promise<void> {
  const taken: [string, number][] = [];
  for (const [name, port] of wanted) {
    if (!(await isFree(port))) taken.push([name, port]);
  }
  if (taken.length === 0) return;
  const holders = findListeners(taken.map(([, port]) => port));
  const foreign = taken.filter(([, port]) => stackDir === undefined || holders.get(port)?.stackDir !== stackDir);
  if (foreign.length === 0) return;
  // One port says enough of a holder who has many.
  const byHolder = Map.groupBy(foreign, ([, port]) => nameHolder(holders.get(port)));
  const lines = [...byHolder].map(([holder, ports]) => {
    const [[name, port] = ['', 0], ...others] = ports;
    return `port ${port} (${name})${others.length === 0 ? '' : ` and ${others.length} more`} by ${holder}`;
  });
  const stacks = new Set(foreign.flatMap(([, port]) => holders.get(port)?.stackDir ?? []));
  throw new CliError(`in use: ${lines.join(', ')}`, {
    advice: [
      ...[...stacks].map((folder) => `OXO_STATE_DIR=${folder} ./oxo down stops that stack,`),
      ...(stacks.size === 0 ? ['stop that program (ss -ltnp shows it),'] : []),
      'or move all ports of this stack together: OXO_PORT_BASE=18080 ./oxo up',
    ],
  });
}

function nameHolder(listener: Listener | undefined): string {
  return listener?.stackDir === undefined ? nameListener(listener) : `the stack in ${listener.stackDir}`;
}

/**
 * Which of these ports the kernel also gives to connections that go out: one that is away for a moment may not get its port back.
 * @param setting reads a file of /proc/sys/net/ipv4
 */
export function handedOutPorts(
  wanted: Iterable<number>,
  setting: (name: string) => string = (name) => readFileSync(`/proc/sys/net/ipv4/${name}`, 'utf8'),
): number[] {
  const [first = Number.NaN, last = Number.NaN] = setting('ip_local_port_range').trim().split(/\s+/).map(Number);
  const reserved = setting('ip_local_reserved_ports')
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number));
  const isReserved = (port: number): boolean => reserved.some(([from = 0, to = from]) => port >= from && port <= to);
  return [...wanted].filter((port) => port >= first && port <= last && !isReserved(port));
}

/** What to do about them. */
export const handedOutAdvice =
  'choose OXO_PORT_BASE below that range, or keep them from it: sysctl net.ipv4.ip_local_reserved_ports';

/**
 * Looks for a base whose ports are free, below the range that the kernel hands out by itself.
 * The base stays reserved for this process until it ends, so that stacks of parallel tests do not meet.
 * @param random 0 ≤ random() < 1; tests of several processes start at different places by it
 */
export async function findFreePortBase(random: () => number = Math.random): Promise<number> {
  const lowest = 20_000;
  const blocks = 120;
  const first = Math.floor(random() * blocks);
  for (let tried = 0; tried < blocks; tried += 1) {
    const base = lowest + ((first + tried) % blocks) * 100;
    if ((await tryLock(`port base ${base}`)) !== undefined && (await areFree(base))) return base;
  }
  throw new CliError('no hundred free ports between 20000 and 32000');
}

async function areFree(base: number): Promise<boolean> {
  for (let offset = 0; offset < 100; offset += 1) {
    if (!(await isFree(base + offset))) return false;
  }
  return true;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, loopback, () => probe.close(() => resolve(true)));
  });
}
