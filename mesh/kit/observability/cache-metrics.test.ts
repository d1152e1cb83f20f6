import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LRUCache } from 'lru-cache';
import { measureCache, measureLookups } from '#kit/observability/cache-metrics.ts';
import { createMetrics } from '#kit/observability/metrics.ts';

test('tells what a cache holds, answers, and had to forget', async () => {
  const metrics = createMetrics();
  const recorder = measureCache(metrics, 'things', () => cache.size);
  const cache = new LRUCache<string, number>({ max: 2, dispose: recorder.disposed });
  assert.match(await metrics.render(), /^oxo_cache_requests_total\{cache="things",outcome="hit"\} 0$/m);
  for (const key of ['a', 'b', 'c', 'c']) cache.set(key, 1);
  recorder.hit();
  recorder.miss();
  recorder.miss();
  for (let scrape = 0; scrape < 2; scrape += 1) {
    const text = await metrics.render();
    assert.match(text, /^oxo_cache_entries\{cache="things"\} 2$/m);
    assert.match(text, /^oxo_cache_evictions_total\{cache="things"\} 1$/m);
    assert.match(text, /^oxo_cache_requests_total\{cache="things",outcome="hit"\} 1$/m);
    assert.match(text, /^oxo_cache_requests_total\{cache="things",outcome="miss"\} 2$/m);
  }
});

test('lookups of many are counted together, beside other caches', async () => {
  const metrics = createMetrics();
  measureCache(metrics, 'things', () => 0);
  const count = measureLookups(metrics, 'posts');
  count(20, 0);
  count(18, 2);
  const text = await metrics.render();
  assert.match(text, /^oxo_cache_requests_total\{cache="posts",outcome="hit"\} 38$/m);
  assert.match(text, /^oxo_cache_requests_total\{cache="posts",outcome="miss"\} 2$/m);
});
