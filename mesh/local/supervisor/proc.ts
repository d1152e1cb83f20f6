import { readdirSync, readFileSync } from 'node:fs';

/** A process for as long as it lives: its id alone may be given to another one later. */
export type ProcessIdentity = {
  readonly pid: number;
  /** The boot and the tick at which it started, from /proc. */
  readonly startedAt: string;
};

type Stat = { readonly state: string; readonly parent: number; readonly startTicks: string };

let bootId: string | undefined;

/** Who has this pid now, or undefined when nobody (a zombie is nobody). */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { pid, startedAt: `${bootId}/${stat.startTicks}` };
}

/** Whether exactly this process is alive. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Whether exactly this process is alive and stopped by a signal (SIGSTOP). */
export function isStopped(identity: ProcessIdentity): boolean {
  return isAlive(identity) && readStat(identity.pid)?.state === 'T';
}

/** Sends a signal if exactly this process is alive; says whether it was. */
export function signal(identity: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The children of every process, by its pid. To look at once for many. */
export type ProcessTree = ReadonlyMap<number, readonly number[]>;

export function readProcessTree(): ProcessTree {
  const children = new Map<number, number[]>();
  for (const pid of allPids()) {
    const parent = readStat(pid)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return children;
}

/** A process and all that descend from it, parents first. */
export function withDescendants(root: number, children = readProcessTree()): number[] {
  const found = [root];
  // The list grows while it is walked; a process has one parent, so each is added once.
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** The pid of the process that started this one; undefined when there is no such process. */
export function parentOf(pid: number): number | undefined {
  return readStat(pid)?.parent;
}

/** Proportional set size of a process and its descendants, in bytes; 0 where /proc does not tell. */
export function memoryOf(root: number, tree = readProcessTree()): number {
  let bytes = 0;
  for (const pid of withDescendants(root, tree)) {
    const match = /^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? '');
    bytes += Number(match?.[1] ?? 0) * 1024;
  }
  return bytes;
}

/** Every process whose environment holds this text (NAME=value), in the order of their start. */
export function processesWithEnvironment(entry: string): ProcessIdentity[] {
  return allPids()
    .filter((pid) => environmentOf(pid).includes(entry))
    .map(identify)
    .filter((identity) => identity !== undefined)
    .sort((a, b) => ticksOf(a) - ticksOf(b));
}

/** The value of a variable in the environment that a process was started with. */
export function environmentVariable(pid: number, name: string): string | undefined {
  const prefix = `${name}=`;
  return environmentOf(pid)
    .find((entry) => entry.startsWith(prefix))
    ?.slice(prefix.length);
}

function environmentOf(pid: number): string[] {
  return (read(`/proc/${pid}/environ`) ?? '').split('\0');
}

function ticksOf({ startedAt }: ProcessIdentity): number {
  return Number(startedAt.slice(startedAt.indexOf('/') + 1));
}

function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readStat(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in parentheses may hold spaces and parentheses itself; fields count from behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent] = fields;
  const startTicks = fields[19];
  if (state === undefined || parent === undefined || startTicks === undefined) return undefined;
  return { state, parent: Number(parent), startTicks };
}

/** Processes end while one looks at them, so a missing file is an answer. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
