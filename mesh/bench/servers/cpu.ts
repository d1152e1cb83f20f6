import { readdirSync, readFileSync } from 'node:fs';

/** A server: the first of its processes and the name under which its figures stand; replicas stand together under one. */
export type ServerProcess = { readonly name: string; readonly pid: number };

/** CPU time that each server has used since it started, in ms, by name. */
export type CpuReading = { readonly atMs: number; readonly cpuMs: ReadonlyMap<string, number> };

/** One process as /proc/<pid>/stat tells it. */
export type ProcessStat = {
  readonly parent: number;
  /** Used by the process, and by those of its children that have ended and been waited for. */
  readonly cpuMs: number;
};

/** The kernel counts in hundredths of a second wherever Node runs. */
const msPerTick = 10;

/**
 * Adds up the CPU time of each server's whole tree of processes. A child that ends between two readings is not lost: its
 * parent has its time from then on (Postgres starts a process for every connection).
 * @throws Error when a server is gone
 */
export function readCpu(servers: readonly ServerProcess[]): CpuReading {
  const stats = readAllStats();
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of stats) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const cpuMs = new Map<string, number>();
  for (const { name, pid } of servers) {
    if (!stats.has(pid)) throw new Error(`${name} (pid ${pid}) has ended`);
    cpuMs.set(name, (cpuMs.get(name) ?? 0) + cpuOfTree(pid, stats, children));
  }
  return { atMs: performance.now(), cpuMs };
}

function cpuOfTree(
  root: number,
  stats: ReadonlyMap<number, ProcessStat>,
  children: ReadonlyMap<number, readonly number[]>,
): number {
  const found = [root];
  // The list grows while it is walked; a process has one parent, so each is added once.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found.reduce((sum, pid) => sum + (stats.get(pid)?.cpuMs ?? 0), 0);
}

function readAllStats(): Map<number, ProcessStat> {
  const stats = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readStat(name);
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  return stats;
}

/** Processes end while one looks at them, so a missing file is an answer. */
function readStat(pid: string): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param text of /proc/<pid>/stat */
export function parseStat(text: string): ProcessStat | undefined {
  // The name in parentheses may hold spaces and parentheses itself; fields count from behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent = Number.NaN] = [fields[1]].map(Number);
  // utime, stime, cutime, cstime
  const ticks = fields.slice(11, 15).map(Number);
  const total = ticks.reduce((sum, value) => sum + value, 0);
  if (ticks.length < 4 || !Number.isFinite(total) || !Number.isFinite(parent)) return undefined;
  return { parent, cpuMs: total * msPerTick };
}

/** CPU that a piece of work took. */
export type CpuUse = {
  /** Time that passed. */
  readonly elapsedMs: number;
  /** CPU of all servers, in ms, less what they use when idle. */
  readonly totalMs: number;
  readonly byServerMs: Readonly<Record<string, number>>;
};

/** CPU that servers use while nothing is asked of them: ms of CPU a ms of time, by name. */
export type IdleUse = ReadonlyMap<string, number>;

export function idleUse(before: CpuReading, after: CpuReading): IdleUse {
  const elapsedMs = after.atMs - before.atMs;
  return new Map([...after.cpuMs].map(([name, ms]) => [name, (ms - (before.cpuMs.get(name) ?? 0)) / elapsedMs]));
}

/** What was used between two readings beyond idling. */
export function cpuUse(before: CpuReading, after: CpuReading, idle: IdleUse): CpuUse {
  const elapsedMs = after.atMs - before.atMs;
  const entries = [...after.cpuMs].map(
    ([name, ms]) => [name, ms - (before.cpuMs.get(name) ?? 0) - (idle.get(name) ?? 0) * elapsedMs] as const,
  );
  return {
    elapsedMs,
    totalMs: entries.reduce((sum, [, ms]) => sum + ms, 0),
    byServerMs: Object.fromEntries(entries),
  };
}

/** Two uses as if they were one. */
export function addUse(one: CpuUse, other: CpuUse): CpuUse {
  const names = Object.keys({ ...one.byServerMs, ...other.byServerMs });
  const sum = (name: string): number => (one.byServerMs[name] ?? 0) + (other.byServerMs[name] ?? 0);
  return {
    elapsedMs: one.elapsedMs + other.elapsedMs,
    totalMs: one.totalMs + other.totalMs,
    byServerMs: Object.fromEntries(names.map((name) => [name, sum(name)])),
  };
}
