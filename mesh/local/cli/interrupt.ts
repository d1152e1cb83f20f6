import { CliError } from './cli-error.ts';

/** Exit codes of whom a signal ends. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * A signal of the terminal aborts the work instead of ending the process, so that what was begun can be undone.
 * A second one changes nothing: the undoing is what takes the time.
 * @param announcement printed when it comes
 */
export function abortOnInterrupt(announcement: string): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitCode] of Object.entries(exitCodes)) {
    process.on(name, () => {
      if (controller.signal.aborted) return;
      console.error(`oxo: interrupted; ${announcement}`);
      controller.abort(new CliError('interrupted', { exitCode }));
    });
  }
  return controller.signal;
}

/** Rejects at once when the work is given up; whoever does it goes on until it notices. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}
