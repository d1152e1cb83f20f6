import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';
import type { Progress } from '../cli/terminal.ts';
import { supervisorVariable } from '../servers/environment.ts';
import { repositoryRoot, type Settings } from '../settings.ts';
import { logPathOf } from './group.ts';
import { lastLines, withLogDescriptor } from './log-file.ts';
import { lineInWords } from './log-words.ts';
import { realPath } from './orphans.ts';
import { type ProcessRecord, readLiveState, readState, type StackState } from './state.ts';

const pollMs = 50;
const startTimeoutMs = 10 * 60_000;
/** A supervisor writes its state as soon as it has the lock. */
const foreignStateTimeoutMs = 10_000;
/** Who has just died is back by then. */
const recoveryTimeoutMs = 10_000;
const [exitCodeAnotherRuns, exitCodeStopped] = [3, 4];

/**
 * Starts the supervisor as a process that outlives this one.
 * @param replaced the supervisor of another version, whose stack it takes over
 * @param part the services that alone are replaced; with `presentOnly`, their former secrets count no more
 */
export function launchSupervisor(
  settings: Settings,
  serversOnly: boolean,
  replaced?: number,
  part?: { readonly only: readonly string[]; readonly presentOnly: boolean },
): ChildProcess {
  const daemon = join(import.meta.dirname, 'daemon.ts');
  const flags = [
    ...(serversOnly ? ['--servers'] : []),
    ...(replaced === undefined ? [] : ['--replace', String(replaced)]),
    ...(part === undefined ? [] : ['--only', part.only.join(), ...(part.presentOnly ? ['--present-only'] : [])]),
  ];
  const child = withLogDescriptor(supervisorLogOf(settings), (log) =>
    spawn(process.execPath, [daemon, ...flags], {
      cwd: repositoryRoot,
      detached: true,
      env: {
        ...process.env,
        ...settings.variables,
        OXO_REPLICAS: String(settings.replicas),
        [supervisorVariable]: realPath(settings.stateDir),
      },
      stdio: ['ignore', log, log],
    }),
  );
  child.unref();
  return child;
}

/**
 * Shows the steps of whichever supervisor starts the stack, until it runs.
 * @param child the one that was launched here; undefined when it was another's
 * @throws CliError when the start failed
 */
export async function followStart(
  settings: Settings,
  child: ChildProcess | undefined,
  progress: Progress,
): Promise<void> {
  const startedAtMs = performance.now();
  const isOurs = (state: StackState): boolean => state.supervisor.pid === child?.pid;
  // Who was ended by a signal has no exit code.
  const hasEnded = (): boolean => child === undefined || child.exitCode !== null || child.signalCode !== null;
  while (performance.now() < startedAtMs + startTimeoutMs) {
    const live = readLiveState(settings.stateDir);
    // Until ours has taken over, or has found that another one was quicker, what is there is not what was asked for.
    if (live !== undefined && child !== undefined && !isOurs(live) && child.exitCode !== exitCodeAnotherRuns) {
      if (hasEnded()) throw startFailed(settings, undefined, child);
      await delay(pollMs);
      continue;
    }
    if (live !== undefined) {
      progress.steps(live.steps);
      if (live.phase === 'running' && live.error !== undefined) throw startFailed(settings, live);
      if (live.phase === 'running') return;
    } else if (child?.exitCode === exitCodeAnotherRuns) {
      if (performance.now() > startedAtMs + foreignStateTimeoutMs) throw unknownSupervisor(settings);
    } else if (hasEnded()) {
      const last = readState(settings.stateDir);
      if (last !== undefined && (child === undefined || isOurs(last))) progress.steps(last.steps);
      throw startFailed(settings, last, child);
    }
    await delay(pollMs);
  }
  throw new CliError(`the start takes more than ${startTimeoutMs / 60_000} minutes`, { advice: ['./oxo logs'] });
}

function unknownSupervisor({ stateDir }: Settings): CliError {
  return new CliError(`a stack runs in ${stateDir}, but its run/state.json is gone`, {
    advice: ['./oxo down stops it without it, then ./oxo up'],
  });
}

function startFailed(settings: Settings, last: StackState | undefined, child?: ChildProcess): CliError {
  const isIts = child === undefined || last?.supervisor.pid === child.pid;
  if (child?.exitCode === exitCodeStopped || (last?.phase === 'stopped' && isIts)) {
    return new CliError('the stack was stopped meanwhile (./oxo down)', { advice: ['./oxo up starts it again'] });
  }
  if (last?.error !== undefined) {
    return new CliError(last.error.message, { advice: last.error.advice });
  }
  const how = child?.signalCode ? `was killed (${child.signalCode}): ./oxo up goes on from here` : 'ended';
  return new CliError(`the supervisor ${how}`, { advice: lastLines(supervisorLogOf(settings), 10).map(lineInWords) });
}

/**
 * Waits until every process of a stack that runs is ready.
 * @throws CliError that names one which is not, with the end of its log
 */
export async function requireRecovered({ stateDir }: Settings, timeoutMs: number = recoveryTimeoutMs): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const missing = readLiveState(stateDir)?.processes.find(({ state }) => state !== 'ready');
    if (missing === undefined) return;
    if (performance.now() > deadline) throw notRecovered(stateDir, missing);
    await delay(pollMs);
  }
}

function notRecovered(stateDir: string, { name, state, restarts, lastExit }: ProcessRecord): CliError {
  const log = logPathOf(join(stateDir, 'logs'), name);
  const ended = lastExit === undefined ? '' : `: it was started again ${restarts} times, last after ${lastExit}`;
  return new CliError(`${name} does not come up (${state})${ended}`, {
    advice: [`The end of its log (${log}):`, ...lastLines(log, 8)],
  });
}

function supervisorLogOf({ stateDir }: Settings): string {
  return logPathOf(join(stateDir, 'logs'), 'supervisor');
}
