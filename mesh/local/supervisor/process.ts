import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';
import { defaultLiveness, type Heartbeat, type Liveness, untilSilent } from './liveness.ts';
import { lastLines } from './log-file.ts';
import { identify, isAlive, isStopped, type ProcessIdentity, signal, withDescendants } from './proc.ts';
import { adopt, type RunningProcess, spawnLogged } from './running.ts';

/** How to run a program, how to know that it is ready, and how to stop it. */
export type ProcessSpec = {
  readonly name: string;
  /** What had to be done to make it start, in words. */
  readonly note?: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Run as this user instead of the present one (root only). */
  readonly uid?: number;
  readonly logPath: string;
  /** True when it can do its work. Rejections count as false. */
  readonly probe: () => Promise<boolean>;
  readonly readyTimeoutMs: number;
  /** What keeps it from being ready, in words; undefined when that is not known. */
  readonly reason?: () => Promise<string | undefined>;
  /** Who does not answer it is killed and started again; without one, only who dies is. */
  readonly heartbeat?: Heartbeat;
  readonly stopSignal: NodeJS.Signals;
  /** How long it may take to stop before it is killed. */
  readonly stopTimeoutMs: number;
};

/** Waiting times between a death and the next start. */
export type Backoff = {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Who stayed up this long starts again at firstMs. */
  readonly resetAfterMs: number;
};

export const defaultBackoff: Backoff = { firstMs: 200, maxMs: 15_000, resetAfterMs: 30_000 };

export type ProcessState = 'starting' | 'ready' | 'backing-off' | 'stopping' | 'stopped';

export type ProcessSnapshot = {
  readonly name: string;
  readonly state: ProcessState;
  /** Of the running process, absent while there is none. */
  readonly identity: ProcessIdentity | undefined;
  readonly restarts: number;
  /** When the state began, ISO 8601. */
  readonly since: string;
  /** How it ended last, in words. */
  readonly lastExit: string | undefined;
};

/** A program that is started again whenever it dies, until it is told to stop. */
export type SupervisedProcess = {
  readonly name: string;
  readonly snapshot: () => ProcessSnapshot;
  /** Resolves when the probe holds; rejects with CliError after readyTimeoutMs, or sooner when it keeps dying. */
  readonly ready: () => Promise<void>;
  /** Sends a signal to the running process; says whether there was one. It will be restarted if it dies of it. */
  readonly kill: (signal: NodeJS.Signals) => boolean;
  readonly stop: () => Promise<void>;
  /** Like stop, by another signal if one is given; resume starts it again. For tests of what happens while it is away. */
  readonly pause: (signal?: NodeJS.Signals) => Promise<void>;
  readonly resume: () => Promise<void>;
};

const probeIntervalMs = 25;
const probeTimeoutMs = 2_000;
/** Who dies this often before it was ever ready will not get well by waiting. */
const startsBeforeGivingUp = 5;

/** What one supervised process is about at the moment. */
type Supervision = {
  readonly spec: ProcessSpec;
  readonly backoff: Backoff;
  readonly liveness: Liveness;
  readonly onChange: (snapshot: ProcessSnapshot) => void;
  snapshot: ProcessSnapshot;
  child: RunningProcess | undefined;
  exited: Promise<void>;
  /** Waiting time before the next start. */
  delayMs: number;
  restartTimer: NodeJS.Timeout | undefined;
  /** Why the running process is being killed, in words. */
  verdict: string | undefined;
  stopping: boolean;
};

/**
 * Starts a program and supervises it.
 * @param onChange called after every change of its snapshot, synchronously after each spawn
 * @param running the process that another supervisor has left running; it is taken over, and `spec` is for the next one
 */
export function supervise(
  spec: ProcessSpec,
  onChange: (snapshot: ProcessSnapshot) => void = () => {},
  backoff: Backoff = defaultBackoff,
  liveness: Liveness = defaultLiveness,
  running?: ProcessSnapshot,
): SupervisedProcess {
  const since = new Date().toISOString();
  const supervision: Supervision = {
    ...{ spec, backoff, liveness, onChange },
    snapshot: { name: spec.name, state: 'starting', identity: undefined, restarts: 0, since, lastExit: undefined },
    child: undefined,
    exited: Promise.resolve(),
    delayMs: backoff.firstMs,
    restartTimer: undefined,
    verdict: undefined,
    stopping: false,
  };
  if (running?.identity === undefined || !isAlive(running.identity)) start(supervision, 0);
  else takeOver(supervision, running, adopt(running.identity));
  return {
    name: spec.name,
    snapshot: () => supervision.snapshot,
    ready: () => untilReady(supervision),
    kill: (name) => supervision.child?.kill(name) ?? false,
    stop: () => stop(supervision, spec.stopSignal),
    pause: (name = spec.stopSignal) => stop(supervision, name),
    resume: () => resume(supervision),
  };
}

function change(supervision: Supervision, patch: Partial<ProcessSnapshot>): void {
  const before = supervision.snapshot;
  const sameState = patch.state === undefined || patch.state === before.state;
  supervision.snapshot = { ...before, ...patch, since: sameState ? before.since : new Date().toISOString() };
  supervision.onChange(supervision.snapshot);
}

function start(supervision: Supervision, restarts: number): void {
  const child = spawnLogged(supervision.spec);
  supervision.child = child;
  supervision.verdict = undefined;
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  change(supervision, { state: 'starting', identity, restarts });
  watch(supervision, child);
}

function takeOver(
  supervision: Supervision,
  { state, identity, ...rest }: ProcessSnapshot,
  child: RunningProcess,
): void {
  supervision.child = child;
  const now = state === 'ready' ? 'ready' : 'starting';
  supervision.snapshot = { ...rest, state: now, identity };
  supervision.onChange(supervision.snapshot);
  watch(supervision, child);
}

function watch(supervision: Supervision, child: RunningProcess): void {
  const startedAtMs = performance.now();
  supervision.exited = child.ended.then((how) => {
    supervision.child = undefined;
    const stayedUp = performance.now() - startedAtMs >= supervision.backoff.resetAfterMs;
    if (stayedUp) supervision.delayMs = supervision.backoff.firstMs;
    afterDeath(supervision, supervision.verdict ?? how);
  });
  if (supervision.snapshot.state !== 'ready') void watchReadiness(supervision, child);
  void watchLiveness(supervision, child);
}

function afterDeath(supervision: Supervision, how: string): void {
  if (supervision.stopping) {
    change(supervision, { state: 'stopped', identity: undefined, lastExit: how });
    return;
  }
  change(supervision, { state: 'backing-off', identity: undefined, lastExit: how });
  const restarts = supervision.snapshot.restarts + 1;
  supervision.restartTimer = setTimeout(() => start(supervision, restarts), supervision.delayMs);
  supervision.delayMs = Math.min(supervision.delayMs * 2, supervision.backoff.maxMs);
}

async function watchReadiness(supervision: Supervision, child: RunningProcess): Promise<void> {
  const isWatched = (): boolean => supervision.child === child && !supervision.stopping;
  while (isWatched()) {
    if (await holds(supervision.spec.probe)) {
      if (isWatched()) change(supervision, { state: 'ready' });
      return;
    }
    await delay(probeIntervalMs, undefined, { ref: false });
  }
}

async function watchLiveness(supervision: Supervision, child: RunningProcess): Promise<void> {
  const { spec, liveness } = supervision;
  if (spec.heartbeat === undefined) return;
  const excusedUntilMs = performance.now() + spec.readyTimeoutMs;
  const silent = await untilSilent(spec.heartbeat, liveness, {
    isWatched: () => supervision.child === child && !supervision.stopping,
    isExcused: () => supervision.snapshot.state === 'starting' && performance.now() < excusedUntilMs,
    isStopped: () => supervision.snapshot.identity !== undefined && isStopped(supervision.snapshot.identity),
  });
  if (!silent) return;
  supervision.verdict = 'killed: it did not answer';
  killTree(child);
}

async function untilReady(supervision: Supervision): Promise<void> {
  const { spec } = supervision;
  const startedAtMs = performance.now();
  const deadline = startedAtMs + spec.readyTimeoutMs;
  while (supervision.snapshot.state !== 'ready') {
    if (supervision.stopping) throw new CliError(`${spec.name} was stopped before it was ready`);
    const dies = supervision.snapshot.restarts >= startsBeforeGivingUp;
    if (dies || performance.now() > deadline)
      throw await notReady(supervision, Math.round(performance.now() - startedAtMs));
    await delay(probeIntervalMs);
  }
}

async function resume(supervision: Supervision): Promise<void> {
  if (supervision.snapshot.state === 'stopped') {
    supervision.stopping = false;
    start(supervision, supervision.snapshot.restarts + 1);
  }
  await untilReady(supervision);
}

async function stop(supervision: Supervision, name: NodeJS.Signals): Promise<void> {
  supervision.stopping = true;
  clearTimeout(supervision.restartTimer);
  const { child, spec } = supervision;
  if (child === undefined) {
    if (supervision.snapshot.state !== 'stopped') change(supervision, { state: 'stopped' });
    return;
  }
  change(supervision, { state: 'stopping' });
  child.kill(name);
  // Who was frozen hears it only when it goes on.
  child.kill('SIGCONT');
  const late = setTimeout(() => killTree(child), spec.stopTimeoutMs);
  await supervision.exited;
  clearTimeout(late);
}

async function holds(probe: () => Promise<boolean>): Promise<boolean> {
  const late = delay(probeTimeoutMs, false, { ref: false });
  return Promise.race([probe().catch(() => false), late]);
}

/** Not by its process group: Postgres gives each of its processes a session of its own. */
function killTree(child: RunningProcess): void {
  if (child.pid === undefined) return;
  const identities = withDescendants(child.pid).map(identify);
  for (const identity of identities) if (identity !== undefined) signal(identity, 'SIGKILL');
}

async function notReady({ spec, snapshot }: Supervision, afterMs: number): Promise<CliError> {
  const reason = snapshot.identity === undefined ? undefined : await spec.reason?.();
  const ended =
    snapshot.lastExit === undefined ? '' : `; it ended ${snapshot.restarts} times, last with ${snapshot.lastExit}`;
  const why = reason === undefined ? '' : `: ${reason}`;
  return new CliError(`${spec.name} is not ready after ${afterMs} ms${why}${ended}`, {
    advice: [`The end of its log (${spec.logPath}):`, ...lastLines(spec.logPath, 5)],
  });
}
