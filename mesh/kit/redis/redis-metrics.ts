import type { Metrics } from '#kit/observability/metrics.ts';

/** Metrics of all connections to Redis of this process. @returns what `connectRedis` is to tell */
export function measureRedis(metrics: Metrics): { onFailure: () => void } {
  const failures = metrics.counter({
    name: 'oxo_redis_failures_total',
    help: 'Operations on Redis that failed: refused, not answered, or not sent because it was away.',
  });
  return { onFailure: () => failures.inc() };
}
