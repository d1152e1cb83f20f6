import { CliError } from '../cli/cli-error.ts';
import { parseFlags, wholeNumber } from '../cli/command.ts';
import { readSettings } from '../settings.ts';
import { planStack, type StackUrls } from '../stack/plan.ts';
import type { ProcessSnapshot } from '../supervisor/process.ts';
import { readLiveState, withRunningSettings } from '../supervisor/state.ts';

/** A stack whose processes are started again when they die. */
export type ChaosTarget = {
  readonly urls: StackUrls;
  /** As they are now. */
  readonly processes: () => readonly Pick<ProcessSnapshot, 'name' | 'state' | 'identity'>[];
};

export type ChaosOptions = {
  /** In all; the processes take turns. */
  readonly kills: number;
  readonly seed: number;
  readonly people: number;
  readonly json: boolean;
};

const [defaultKills, defaultPeople] = [40, 30];

/** @throws CliError (exit code 2) on wrong flags */
export function readChaosOptions(argv: readonly string[]): ChaosOptions {
  const { values } = parseFlags(argv, {
    kills: { type: 'string', default: String(defaultKills) },
    seed: { type: 'string', default: '1' },
    people: { type: 'string', default: String(defaultPeople) },
    json: { type: 'boolean', default: false },
  });
  return {
    kills: wholeNumber('--kills', values.kills, 1, 10_000),
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    people: wholeNumber('--people', values.people, 3, 100),
    json: values.json,
  };
}

/** @throws CliError when no stack runs on this machine */
export function findTarget(env: NodeJS.ProcessEnv): ChaosTarget {
  const settings = readSettings(env);
  const live = readLiveState(settings.stateDir);
  if (live?.phase !== 'running' || !live.processes.some(({ name }) => name === 'envoy')) {
    throw new CliError('nothing runs here yet', { advice: ['./oxo up starts it; --replicas 2 runs two of each'] });
  }
  return {
    urls: planStack(withRunningSettings(settings)).urls,
    processes: () =>
      (readLiveState(settings.stateDir)?.processes ?? []).map(({ name, state, identity }) => ({
        name,
        state,
        identity,
      })),
  };
}
