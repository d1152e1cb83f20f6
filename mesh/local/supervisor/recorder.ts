import { CliError, messageOf } from '../cli/cli-error.ts';
import { identify } from './proc.ts';
import type { ProcessSnapshot, ProcessSpec } from './process.ts';
import { type Phase, type ProcessRecord, type StackState, type Step, writeState } from './state.ts';

/** Keeps the state file of one stack up to date. */
export type Recorder = {
  readonly phase: (phase: Phase) => void;
  readonly failed: (error: unknown) => void;
  readonly process: (spec: ProcessSpec, snapshot: ProcessSnapshot) => void;
  /** Runs a part of the start and records how it goes. What it returns as text is shown beside its name. */
  readonly step: <T>(name: string, work: () => Promise<T>) => Promise<T>;
};

const retryMs = 1_000;

/** @throws Error when the state folder can't be written at the start */
export function createRecorder(
  stateDir: string,
  about: Pick<StackState, 'portBase' | 'publicUrl' | 'replicas' | 'own'>,
  onStep: (step: Step) => void = () => {},
): Recorder {
  const supervisor = identify(process.pid);
  if (supervisor === undefined) throw new Error('this process is not in /proc');
  const startedAt = new Date().toISOString();
  const { portBase, publicUrl, replicas, own } = about;
  let state: StackState = {
    ...{ supervisor, portBase, publicUrl, replicas, own, startedAt },
    phase: 'starting',
    steps: [],
    processes: [],
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
      if (retry === undefined) console.error(`the state can't be written: ${messageOf(error)}`);
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
    failed: (error) => {
      const advice = error instanceof CliError ? error.advice : [];
      changeSomeTime({ phase: 'failed', error: { message: messageOf(error), advice } });
    },
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

function replaceByName<T extends { readonly name: string }>(list: readonly T[], item: T): T[] {
  const index = list.findIndex((other) => other.name === item.name);
  return index < 0 ? [...list, item] : list.with(index, item);
}
