import { CliError, messageOf } from '../cli/cli-error.ts';
import { supervisorLog } from './log.ts';
import { identify } from './proc.ts';
import type { ProcessSnapshot, ProcessSpec } from './process.ts';
import { type Phase, type ProcessRecord, type StackState, type Step, writeState } from './state.ts';

/** Keeps the state file of one stack up to date. */
export type Recorder = {
  readonly phase: (phase: Phase) => void;
  readonly failed: (error: unknown) => void;
  /** What runs is now of this version; `problem` says why it is not, though the stack runs. */
  readonly version: (version: string | undefined, problem?: unknown) => void;
  /** What runs is now started with these. */
  readonly variables: (variables: Readonly<Record<string, string>>) => void;
  /** A process is not part of the stack any more. */
  readonly gone: (name: string) => void;
  readonly process: (spec: ProcessSpec, snapshot: ProcessSnapshot) => void;
  /** Runs a part of the start and records how it goes. What it returns as text is shown beside its name. */
  readonly step: <T>(name: string, work: () => Promise<T>) => Promise<T>;
};

const retryMs = 1_000;

/**
 * @param about the stack; with the processes that an earlier supervisor has left running, and none otherwise
 * @throws Error when the state folder can't be written at the start
 */
export function createRecorder(
  stateDir: string,
  about: Pick<StackState, 'portBase' | 'publicUrl' | 'replicas' | 'own'> &
    Partial<Pick<StackState, 'variables' | 'version' | 'processes'>>,
  onStep: (step: Step) => void = () => {},
): Recorder {
  const supervisor = identify(process.pid);
  if (supervisor === undefined) throw new Error('this process is not in /proc');
  const startedAt = new Date().toISOString();
  const { portBase, publicUrl, replicas, own, variables, version, processes = [] } = about;
  let state: StackState = {
    ...{ supervisor, portBase, publicUrl, replicas, own, variables, version, startedAt, processes },
    phase: 'starting',
    steps: [],
  };
  let retry: NodeJS.Timeout | undefined;
  const change = (patch: Partial<StackState>): void => {
    state = { ...state, ...patch };
    writeState(stateDir, state);
  };
  /** A disk that is full must not take the supervisor down, and with it all processes: it tries again until it can write. */
  const changeSomeTime = (patch: Partial<StackState>): void => {
    try {
      change(patch);
    } catch (error) {
      if (retry === undefined) supervisorLog.error({ err: error }, "the state can't be written");
      clearTimeout(retry);
      retry = setTimeout(() => changeSomeTime({}), retryMs);
      retry.unref();
    }
  };
  const recordStep = (step: Step): void => {
    change({ steps: replaceByName(state.steps, step) });
    onStep(step);
  };
  change({});
  return {
    phase: (phase) => changeSomeTime({ phase }),
    failed: (error) => changeSomeTime({ phase: 'failed', error: inWords(error) }),
    version: (reached, problem) =>
      changeSomeTime({ version: reached, error: problem === undefined ? undefined : inWords(problem) }),
    variables: (variables) => changeSomeTime({ variables }),
    gone: (name) => changeSomeTime({ processes: state.processes.filter((record) => record.name !== name) }),
    process: (spec, snapshot) => {
      const record: ProcessRecord = { ...snapshot, stopSignal: spec.stopSignal, heartbeat: spec.heartbeat };
      changeSomeTime({ processes: replaceByName(state.processes, record) });
    },
    step: async (name, work) => {
      const startedAtMs = performance.now();
      const ms = (): number => Math.round(performance.now() - startedAtMs);
      recordStep({ name, state: 'running', ms: 0 });
      try {
        const result = await work();
        recordStep({ name, state: 'done', ms: ms(), note: typeof result === 'string' ? result : undefined });
        return result;
      } catch (error) {
        recordStep({ name, state: 'failed', ms: ms(), note: messageOf(error) });
        throw error;
      }
    },
  };
}

function inWords(error: unknown): StackState['error'] {
  return { message: messageOf(error), advice: error instanceof CliError ? error.advice : [] };
}

function replaceByName<T extends { readonly name: string }>(list: readonly T[], item: T): T[] {
  const index = list.findIndex((other) => other.name === item.name);
  return index < 0 ? [...list, item] : list.with(index, item);
}
