import { measureLookups } from '#kit/observability/cache-metrics.ts';
import { LATENCY_BUCKETS_SECONDS, type Metrics, startAtZero } from '#kit/observability/metrics.ts';
import type { Candidates } from './candidates.ts';

/** What matters of feeds besides the RPCs: how often the window answers, and how much is fanned out. */
export interface FeedMetrics {
  read(source: Candidates['source']): void;
  fannedOut(inserts: number): void;
  /** All who are to see a post have it. @param seconds since it was written */
  visible(seconds: number): void;
  rebuilt(seconds: number): void;
  /** Read models that a page was made of, and those that were missing, for which their owner was asked. */
  hydratedPosts(found: number, missing: number): void;
  hydratedAuthors(found: number, missing: number): void;
  /** A post that was left to those who look for it. */
  pulled(): void;
}

/** From at once to what is late beyond doubt. */
const FANOUT_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createFeedMetrics(metrics: Metrics): FeedMetrics {
  const reads = metrics.counter({
    name: 'oxo_feed_reads_total',
    help: 'Reads of a part of a feed, by where its entries came from: window, rebuild or postgres.',
    labelNames: ['source'],
  });
  const inserts = metrics.counter({
    name: 'oxo_feed_fanout_inserts_total',
    help: 'Posts put into the windows of feeds.',
  });
  const pulled = metrics.counter({
    name: 'oxo_feed_pulled_posts_total',
    help: 'Posts of authors with many followers, which were not put into the windows of these.',
  });
  const fanOut = metrics.histogram({
    name: 'oxo_feed_fanout_duration_seconds',
    help: 'Time from a post being written to it being in the last window that it belongs to.',
    buckets: FANOUT_BUCKETS_SECONDS,
  });
  const rebuilds = metrics.histogram({
    name: 'oxo_feed_rebuild_duration_seconds',
    help: 'Time that building a window anew took.',
    buckets: LATENCY_BUCKETS_SECONDS,
  });
  startAtZero(reads, { source: 'window' }, { source: 'rebuild' }, { source: 'postgres' });
  const bySource = {
    window: reads.labels('window'),
    rebuild: reads.labels('rebuild'),
    postgres: reads.labels('postgres'),
  };
  return {
    read: (source) => bySource[source].inc(),
    fannedOut: (count) => inserts.inc(count),
    visible: (seconds) => fanOut.observe(seconds),
    rebuilt: (seconds) => rebuilds.observe(seconds),
    hydratedPosts: measureLookups(metrics, 'posts'),
    hydratedAuthors: measureLookups(metrics, 'profiles'),
    pulled: () => pulled.inc(),
  };
}
