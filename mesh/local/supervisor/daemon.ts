/**
 * The process that `oxo up` leaves running: it owns all others, restarts what dies, and stops them on SIGTERM.
 * With --replace PID it takes over the stack of that supervisor, which another version started; with --only NAMES besides, it replaces
 * these services alone, which get other secrets, and with --present-only they are the last that know the former ones.
 * Its exit code says why it ended: 0 it was stopped, 1 the start failed (the state file says why), 3 another one runs,
 * 4 the stack that it was to take over was stopped meanwhile.
 */
import { statSync } from 'node:fs';
import { CliError } from '../cli/cli-error.ts';
import { readSettings, type Settings } from '../settings.ts';
import { StackWasStoppedError, takeOverStack } from '../stack/roll.ts';
import { type Stack, StackIsRunningError, startStack } from '../stack/stack.ts';
import { endOnCrash, supervisorLog } from './log.ts';
import { withRunningSettings } from './state.ts';

const exitCodes = { stopped: 0, failed: 1, anotherRuns: 3, stoppedMeanwhile: 4 };

const stopRequest = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => stopRequest.abort(new Error('stopped before it was ready')));
}
// The terminal it came from may close.
process.on('SIGHUP', () => {});
endOnCrash(supervisorLog);

const folderIntervalMs = 5_000;
const serversOnly = process.argv.includes('--servers');
const replaced = process.argv.indexOf('--replace');
try {
  const settings = readSettings(process.env);
  const stack = await begin(settings);
  supervisorLog.info({ portBase: settings.portBase, replicas: settings.replicas }, 'the stack runs');
  if (!stopRequest.signal.aborted) await aborted(stopRequest.signal, settings.stateDir);
  await stack.stop();
  supervisorLog.info('the stack is stopped');
  process.exit(exitCodes.stopped);
} catch (error) {
  const advice = error instanceof CliError ? { advice: error.advice } : {};
  supervisorLog.fatal({ err: error, ...advice }, 'the supervisor ended');
  process.exit(exitCodeOf(error));
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StackIsRunningError) return exitCodes.anotherRuns;
  const stopped = error instanceof StackWasStoppedError || (replaced >= 0 && stopRequest.signal.aborted);
  return stopped ? exitCodes.stoppedMeanwhile : exitCodes.failed;
}

function begin(settings: Settings): Promise<Stack> {
  if (replaced < 0) return startStack({ ...settings, serversOnly }, stopRequest.signal);
  const options = { ...withRunningSettings(settings), presentOnly: process.argv.includes('--present-only') };
  const only = process.argv.indexOf('--only');
  const names = only < 0 ? undefined : process.argv[only + 1]?.split(',');
  return takeOverStack(options, Number(process.argv[replaced + 1]), stopRequest.signal, names);
}

/** Keeps the process alive by itself: its children's handles need not. A stack whose folder is gone is of no use, and is stopped. */
function aborted(signal: AbortSignal, stateDir: string): Promise<void> {
  const folder = inodeOf(stateDir);
  const alive = setInterval(() => {
    if (inodeOf(stateDir) !== folder) stopRequest.abort(new Error(`${stateDir} is gone`));
  }, folderIntervalMs);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}

function inodeOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.ino;
}
