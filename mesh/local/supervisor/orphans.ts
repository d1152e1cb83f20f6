import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, signal } from './proc.ts';
import { orphansOf, type ProcessRecord, readState } from './state.ts';

const gracefulMs = 15_000;
const pollMs = 20;

/**
 * Stops what a supervisor that was killed left behind, in reverse order of its start.
 * @returns names of the processes
 */
export async function stopOrphans(stateDir: string): Promise<string[]> {
  const state = readState(stateDir);
  const orphans = state === undefined ? [] : orphansOf(state).toReversed();
  for (const orphan of orphans) await stopOne(orphan);
  return orphans.map((orphan) => orphan.name);
}

async function stopOne({ identity, stopSignal }: ProcessRecord): Promise<void> {
  if (identity === undefined || !signal(identity, stopSignal)) return;
  signal(identity, 'SIGCONT');
  const deadline = performance.now() + gracefulMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) signal(identity, 'SIGKILL');
    await delay(pollMs);
  }
}
