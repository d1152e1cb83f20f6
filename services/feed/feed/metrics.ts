import type { Metrics } from '#kit/observability/metrics.ts';
import type { Candidates } from './candidates.ts';

/** What matters of feeds besides the RPCs: how often the window answers, and how much is fanned out. */
export interface FeedMetrics {
  read(source: Candidates['source']): void;
  fannedOut(inserts: number): void;
  /** A post that was left to those who look for it. */
  pulled(): void;
}

export function createFeedMetrics(metrics: Metrics): FeedMetrics {
  const reads = metrics.counter({
    name: 'oxo_feed_reads_total',
    help: 'Stretches of feeds read, by where they came from: window, rebuild or postgres.',
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
  const bySource = {
    window: reads.labels('window'),
    rebuild: reads.labels('rebuild'),
    postgres: reads.labels('postgres'),
  };
  return {
    read: (source) => bySource[source].inc(),
    fannedOut: (count) => inserts.inc(count),
    pulled: () => pulled.inc(),
  };
}
