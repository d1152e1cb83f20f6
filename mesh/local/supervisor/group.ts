import { join } from 'node:path';
import { processVariable, stackVariable } from '../servers/environment.ts';
import type { Liveness } from './liveness.ts';
import { supervisorLog } from './log.ts';
import { boundLog } from './log-file.ts';
import { type Backoff, type ProcessSnapshot, type ProcessSpec, type SupervisedProcess, supervise } from './process.ts';
import type { Recorder } from './recorder.ts';

/** The processes of one stack, in the order of their start. */
export type ProcessGroup = {
  /** Starts the next process and waits until it is ready. Tiers are numbered from 0; a later one needs the earlier. */
  readonly start: (spec: ProcessSpec, tier: number) => Promise<void>;
  /** Looks after a process that an earlier supervisor has left running; `spec` says how it is started when it dies. */
  readonly adopt: (spec: ProcessSpec, tier: number, running: ProcessSnapshot) => void;
  /** Stops a process for good; nothing happens when there is none of this name. */
  readonly leave: (name: string) => Promise<void>;
  readonly get: (name: string) => SupervisedProcess | undefined;
  readonly all: () => readonly SupervisedProcess[];
  /** Stops the tiers in reverse order; no process is left afterwards. */
  readonly stop: () => Promise<void>;
};

export type GroupOptions = {
  readonly stateDir: string;
  readonly logDir: string;
  readonly backoff: Backoff;
  readonly liveness: Liveness;
};

type Member = { readonly supervised: SupervisedProcess; readonly tier: number };

const logCheckIntervalMs = 5_000;

export function createGroup(recorder: Recorder, options: GroupOptions): ProcessGroup {
  const { stateDir, logDir, backoff, liveness } = options;
  const members: Member[] = [];
  let stopping: Promise<void> | undefined;
  const logTimer = setInterval(() => {
    for (const { supervised } of members) boundLogOrLater(logPathOf(logDir, supervised.name));
  }, logCheckIntervalMs);
  logTimer.unref();
  // Whatever ends this process short of kill -9 must not leave the others behind.
  const onExit = (): void => {
    for (const { supervised } of members) supervised.kill('SIGKILL');
  };
  process.once('exit', onExit);

  const stopAll = async (): Promise<void> => {
    const tiers = [...new Set(members.map((member) => member.tier))].sort((a, b) => b - a);
    for (const tier of tiers) {
      const together = members.filter((member) => member.tier === tier);
      await Promise.all(together.map((member) => member.supervised.stop()));
    }
    clearInterval(logTimer);
    process.off('exit', onExit);
  };

  const add = (spec: ProcessSpec, tier: number, running?: ProcessSnapshot): SupervisedProcess => {
    if (stopping !== undefined) throw new Error(`${spec.name} is not started any more: the stack is stopping`);
    const marked = { ...spec, env: { ...spec.env, ...marksOf(stateDir, spec) } };
    const supervised = supervise(marked, (snapshot) => recorder.process(spec, snapshot), backoff, liveness, running);
    members.push({ supervised, tier });
    return supervised;
  };

  return {
    start: (spec, tier) => add(spec, tier).ready(),
    adopt: (spec, tier, running) => void add(spec, tier, running),
    leave: async (name) => {
      const index = members.findIndex((member) => member.supervised.name === name);
      const [member] = index < 0 ? [] : members.splice(index, 1);
      if (member === undefined) return;
      await member.supervised.stop();
      recorder.gone(name);
    },
    get: (name) => members.find((member) => member.supervised.name === name)?.supervised,
    all: () => members.map((member) => member.supervised),
    stop: () => {
      stopping ??= stopAll();
      return stopping;
    },
  };
}

/** On a full disk there is no room for the copy. The next time may find some. */
function boundLogOrLater(path: string): void {
  try {
    boundLog(path);
  } catch (error) {
    supervisorLog.error({ err: error, path }, "a log can't be bounded");
  }
}

function marksOf(stateDir: string, { name, stopSignal }: ProcessSpec): Record<string, string> {
  return { [stackVariable]: stateDir, [processVariable]: `${name}:${stopSignal}` };
}

/** Where a process writes. */
export function logPathOf(logDir: string, name: string): string {
  return join(logDir, `${name}.log`);
}
