import { setTimeout } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Asks until the answer is neither false nor undefined and gives it. An error counts as "not yet" and is the cause if the time runs out.
 * @param what is in the message of the failure
 * @param timeoutMs default 10,000
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, false | undefined>> {
  const deadlineMs = performance.now() + timeoutMs;
  let lastError: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await setTimeout(POLL_MS);
  } while (performance.now() < deadlineMs);
  throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: lastError });
}
