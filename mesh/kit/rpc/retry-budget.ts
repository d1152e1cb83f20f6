/** Retries allowed at once, and how many come back each second: a dead server gets no storm of second attempts. */
const MAX_TOKENS = 20;
const TOKENS_PER_SECOND = 5;

/** A bound on retries over all calls of a channel. */
export interface RetryBudget {
  /** Whether one more retry may be made now; counts it when it may. */
  take(): boolean;
}

/** @param nowMs a clock that never goes back, in milliseconds */
export function createRetryBudget(nowMs: () => number = performance.now.bind(performance)): RetryBudget {
  let tokens = MAX_TOKENS;
  let filledAtMs = nowMs();
  return {
    take() {
      const elapsedMs = nowMs() - filledAtMs;
      tokens = Math.min(MAX_TOKENS, tokens + (elapsedMs / 1_000) * TOKENS_PER_SECOND);
      filledAtMs += elapsedMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
