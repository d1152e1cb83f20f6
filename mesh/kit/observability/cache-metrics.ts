import { type Metrics, startAtZero } from '#kit/observability/metrics.ts';

/** Counts what a cache in memory answers. Every request comes by: an addition each, which the next scrape tells. */
export interface CacheRecorder {
  hit(): void;
  miss(): void;
  /** For `dispose` of an LRU cache: 'evict' is what made place for others. */
  disposed(value: unknown, key: unknown, reason: string): void;
}

/**
 * Metrics of one cache.
 * @param metrics undefined where nobody asks
 * @param cache its name, in small letters
 * @param size how many entries it has; asked at the scrape
 */
export function measureCache(metrics: Metrics | undefined, cache: string, size: () => number): CacheRecorder {
  let hits = 0;
  let misses = 0;
  let evictions = 0;
  if (metrics !== undefined) {
    const requests = cacheRequests(metrics);
    const evicted = metrics.counter({
      name: 'oxo_cache_evictions_total',
      help: 'Entries that made place for others.',
      labelNames: ['cache'],
    });
    const entries = metrics.gauge({
      name: 'oxo_cache_entries',
      help: 'Entries that a cache in memory holds.',
      labelNames: ['cache'],
    });
    metrics.onCollect(() => {
      requests.inc({ cache, outcome: 'hit' }, hits);
      requests.inc({ cache, outcome: 'miss' }, misses);
      evicted.inc({ cache }, evictions);
      entries.set({ cache }, size());
      [hits, misses, evictions] = [0, 0, 0];
    });
  }
  return {
    hit: () => {
      hits += 1;
    },
    miss: () => {
      misses += 1;
    },
    disposed: (_value, _key, reason) => {
      if (reason === 'evict') evictions += 1;
    },
  };
}

/** For caches elsewhere, such as read models in Redis, many of which are asked for at once. */
export function measureLookups(metrics: Metrics, cache: string): (found: number, missing: number) => void {
  const requests = cacheRequests(metrics);
  startAtZero(requests, { cache, outcome: 'hit' }, { cache, outcome: 'miss' });
  const [hit, miss] = [requests.labels(cache, 'hit'), requests.labels(cache, 'miss')];
  return (found, missing) => {
    if (found > 0) hit.inc(found);
    if (missing > 0) miss.inc(missing);
  };
}

function cacheRequests(metrics: Metrics) {
  return metrics.counter({
    name: 'oxo_cache_requests_total',
    help: 'What caches were asked for, by whether they had it.',
    labelNames: ['cache', 'outcome'],
  });
}
