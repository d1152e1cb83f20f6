import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../cli/cli-error.ts';
import type { Phase } from '../cli/progress.ts';
import type { Random } from '../client/random.ts';
import { type ProcessIdentity, signal as send } from '../supervisor/proc.ts';
import type { ChaosTarget } from './options.ts';

/** Between two kills. With what a process takes to come back, 200 kills take about ten minutes. */
const pauseMs = { min: 300, max: 3_500 };
const comebackMs = 90_000;
const pollMs = 20;
/** So many of a hundred are hit while they start, the others once they are ready. */
const percentWhileStarting = 10;

/** About how long so many kills take. */
export function estimateSeconds(kills: number): number {
  return Math.round((kills * (pauseMs.min + pauseMs.max)) / 2_000) + 30;
}

/**
 * Kills with -9: the processes take turns, each round in another order, at moments that nobody knows before.
 * @returns how often each was killed, by name
 * @throws CliError when one does not come back
 */
export async function killInTurn(
  { processes }: ChaosTarget,
  kills: number,
  { random, phase, signal }: { random: Random; phase: Phase; signal: AbortSignal },
): Promise<Record<string, number>> {
  const names = processes().map(({ name }) => name);
  const killed: Record<string, number> = {};
  let round: string[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    if (round.length === 0) round = random.shuffle(names);
    const name = round.pop() ?? '';
    await delay(pauseMs.min + random.next() * (pauseMs.max - pauseMs.min), undefined, { signal });
    const early = random.below(100) < percentWhileStarting;
    const identity = await untilThere(processes, name, early, signal);
    if (send(identity, 'SIGKILL')) killed[name] = (killed[name] ?? 0) + 1;
    else kill -= 1;
    phase.at(kill + 1);
  }
  return killed;
}

/** Waits until every process is ready again. @throws CliError that names one which is not */
export async function untilAllReady({ processes }: ChaosTarget, signal: AbortSignal): Promise<void> {
  for (const { name } of processes()) await untilThere(processes, name, false, signal);
}

async function untilThere(
  processes: ChaosTarget['processes'],
  name: string,
  early: boolean,
  signal: AbortSignal,
): Promise<ProcessIdentity> {
  const deadlineMs = performance.now() + comebackMs;
  for (;;) {
    const found = processes().find((process) => process.name === name);
    if (found?.identity !== undefined && (early || found.state === 'ready')) return found.identity;
    if (performance.now() > deadlineMs) {
      throw new CliError(`${name} did not come back in ${comebackMs / 1_000} s (${found?.state ?? 'gone'})`, {
        advice: [`./oxo logs ${name} says why`],
      });
    }
    await delay(pollMs, undefined, { signal });
  }
}
