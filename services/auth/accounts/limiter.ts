import { OxoError } from '#kit/errors.ts';

/** Runs work, so many at a time; a bounded number waits, in order. */
export type Limiter = <Result>(work: () => Promise<Result>, signal?: AbortSignal) => Promise<Result>;

const RETRY_AFTER_MS = 1_000;

/**
 * @throws by the limiter: OxoError UNAVAILABLE when too many wait already; the signal's reason when it is aborted before
 *   the work's turn comes
 */
export function createLimiter(options: { concurrency: number; maxWaiting: number }): Limiter {
  const { concurrency, maxWaiting } = options;
  const waiting: (() => void)[] = [];
  let running = 0;

  function takePlace(): Promise<void> | undefined {
    if (running < concurrency) {
      running += 1;
      return undefined;
    }
    if (waiting.length >= maxWaiting) {
      throw new OxoError('UNAVAILABLE', 'Too many people sign in at once. Try again in a moment.', {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    // Whoever leaves hands its place over.
    return new Promise((resolve) => waiting.push(resolve));
  }

  function leavePlace(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  return async (work, signal) => {
    await takePlace();
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      leavePlace();
    }
  };
}
