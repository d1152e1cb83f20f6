import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createFeedMetrics } from './metrics.ts';

test('counts where feeds come from, how much is fanned out and how late, what is built anew, and what hydration lacks', async () => {
  const registry = createMetrics();
  const metrics = createFeedMetrics(registry);
  const before = await registry.render();
  for (const source of ['window', 'rebuild', 'postgres'])
    assert.match(before, new RegExp(`^oxo_feed_reads_total\\{source="${source}"\\} 0$`, 'm'));
  metrics.read('window');
  metrics.fannedOut(12);
  metrics.pulled();
  metrics.visible(0.2);
  metrics.visible(70);
  metrics.rebuilt(0.03);
  metrics.hydratedPosts(19, 1);
  metrics.hydratedAuthors(7, 0);
  const text = await registry.render();
  for (const line of [
    'oxo_feed_reads_total{source="window"} 1',
    'oxo_feed_fanout_inserts_total 12',
    'oxo_feed_pulled_posts_total 1',
    'oxo_feed_fanout_duration_seconds_bucket{le="0.25"} 1',
    'oxo_feed_fanout_duration_seconds_bucket{le="60"} 1',
    'oxo_feed_fanout_duration_seconds_count 2',
    'oxo_feed_rebuild_duration_seconds_count 1',
    'oxo_cache_requests_total{cache="posts",outcome="hit"} 19',
    'oxo_cache_requests_total{cache="posts",outcome="miss"} 1',
    'oxo_cache_requests_total{cache="profiles",outcome="miss"} 0',
  ])
    assert.ok(text.split('\n').includes(line), line);
});
