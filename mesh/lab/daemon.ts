/** The process that `oxo mesh up` leaves running in the node's network namespace: it owns all others of the lab, and stops them on SIGTERM. */

import { describeError } from '../local/cli/cli-error.ts';
import { createPhases } from '../local/cli/terminal.ts';
import { openLab } from './folder.ts';
import { ensurePrograms } from './parts/ensure.ts';
import { startLab } from './start.ts';

const stopRequest = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => stopRequest.abort(new Error('stopped before it was ready')));
}
// The terminal it came from may close.
process.on('SIGHUP', () => {});

try {
  const lab = openLab(process.env);
  const programs = await ensurePrograms(
    lab.cacheDir,
    lab.dir,
    createPhases(() => {}),
  );
  const running = await startLab(lab, programs, stopRequest.signal);
  await aborted(stopRequest.signal);
  await running.stop();
  process.exit(0);
} catch (error) {
  console.error(describeError(error));
  process.exit(1);
}

/** Keeps the process alive by itself. */
function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const alive = setInterval(() => {}, 60_000);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(alive);
      resolve();
    });
  });
}
