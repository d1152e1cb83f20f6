import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../../local/cli/cli-error.ts';
import { readFeedCounters } from '../../local/client/feed-metrics.ts';
import type { RunningStack } from '../servers/running-stack.ts';

const pollMs = 25;
const calmMs = 500;
const limitMs = 120_000;

/** Entries that fan-out has put into windows so far. @throws CliError when the feed service does not tell */
async function countInserts({ plan }: RunningStack): Promise<number> {
  const { fanoutInserts } = await readFeedCounters(plan.urls.operations);
  if (fanoutInserts === undefined) throw new CliError('the feed service does not count its fan-out');
  return fanoutInserts;
}

/**
 * Waits until fan-out has put so many entries into windows.
 * @returns how many there are then
 * @throws CliError when they are not there within two minutes
 */
export async function untilInserted(stack: RunningStack, wanted: number, signal: AbortSignal): Promise<number> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    const inserted = await countInserts(stack);
    if (inserted >= wanted) return inserted;
    if (performance.now() > deadlineMs) {
      throw new CliError(`fan-out is stuck: ${wanted - inserted} entries have not come in ${limitMs / 1_000} s`, {
        advice: ['./oxo status shows whether events wait, ./oxo logs feed why.'],
      });
    }
    await delay(pollMs, undefined, { signal });
  }
}

/**
 * Waits until fan-out puts nothing into windows any more, so that what comes next counts its own.
 * @returns how many entries there are then
 * @throws CliError when it goes on for two minutes
 */
export async function untilCalm(stack: RunningStack, signal: AbortSignal): Promise<number> {
  const deadlineMs = performance.now() + limitMs;
  let last = await countInserts(stack);
  for (;;) {
    await delay(calmMs, undefined, { signal });
    const now = await countInserts(stack);
    if (now === last) return now;
    if (performance.now() > deadlineMs) {
      throw new CliError(`fan-out has not come to rest in ${limitMs / 1_000} s`, {
        advice: ['Does somebody else write? The bench needs a stack of its own.'],
      });
    }
    last = now;
  }
}
