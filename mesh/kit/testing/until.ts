import { setTimeout } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Asks until the answer is neither false nor undefined and gives it. An error counts as "not yet" and is the cause if the time runs out.
 * How long an answer takes does not count: it fails only when an answer that was asked for after the limit is still none.
 * @param what is in the message of the failure
 * @param timeoutMs default 60,000, for what comes at all, on a machine under any load; less when it is promised within a time
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<Exclude<T, false | undefined>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const isLast = performance.now() >= deadlineMs;
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    } catch (error) {
      cause = error;
    }
    if (isLast) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    await setTimeout(POLL_MS);
  }
}
