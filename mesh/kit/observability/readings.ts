import { type Clock, systemClock } from '#kit/clock.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { sharedRuns } from '#kit/shared-runs.ts';

/** So long a value that cannot be had now stands as it was: one scrape that is slow must not end what an alert waits for. */
const MAX_OLD_MS = 30_000;

export interface Reading<Value> {
  /** Asks for it; the next scrape shares an answer that is not there yet. */
  read: () => Promise<Value>;
  tell: (value: Value) => void;
  /** Takes the series away: what is not known must not look as it did when all was well. */
  forget: () => void;
}

/**
 * Gauges whose value lies with a server: asked for at each scrape, and told while it is known. Nothing is told before the first answer.
 * @returns a function that ends it
 */
export function collectReading<Value>(
  metrics: Metrics,
  { read, tell, forget }: Reading<Value>,
  clock: Clock = systemClock,
): () => void {
  let readAtMs = Number.NEGATIVE_INFINITY;
  const run = sharedRuns(async () => {
    const value = await read();
    readAtMs = clock.nowMs();
    tell(value);
  });
  forget();
  return metrics.onCollect(async () => {
    if (clock.nowMs() - readAtMs > MAX_OLD_MS) forget();
    await run();
  });
}
