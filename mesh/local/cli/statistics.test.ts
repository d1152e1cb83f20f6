import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersSince, parseFeedCounters } from '../client/feed-metrics.ts';
import { inParallel } from '../client/in-parallel.ts';
import { createProgress } from './progress.ts';
import { count, duration, percentile } from './statistics.ts';

test('percentiles are samples, by nearest rank', () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(percentile(samples, 0.5), 50);
  assert.equal(percentile(samples, 0.99), 99);
  assert.equal(percentile(samples, 1), 100);
  assert.equal(percentile(samples, 0), 1);
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([], 0.5), undefined);
  assert.equal(samples[0], 100, 'the samples stay in their order');
});

test('numbers are written as people read them', () => {
  assert.equal(count(1234567.4), '1,234,567');
  assert.deepEqual(
    [0.25, 99.94, 431, 1_250, 59_940, 200_000, undefined].map((ms) => duration(ms)),
    ['0.3 ms', '99.9 ms', '431 ms', '1.25 s', '59.9 s', '3 min 20 s', '–'],
  );
});

test('counters of the feed service are read from its metrics', () => {
  const text = [
    '# TYPE oxo_feed_fanout_inserts_total counter',
    'oxo_feed_fanout_inserts_total 120',
    'oxo_feed_fanout_inserts_total_created 5',
    'oxo_feed_reads_total{source="window"} 9',
    'oxo_feed_reads_total{shard="1",source="postgres"} 1e3',
    'oxo_other{source="window"} 4',
  ].join('\n');
  const counters = parseFeedCounters(text);
  assert.equal(counters.fanoutInserts, 120);
  assert.deepEqual(
    [...counters.readsBySource],
    [
      ['window', 9],
      ['postgres', 1_000],
    ],
  );
  assert.equal(parseFeedCounters('').fanoutInserts, undefined);
  const since = countersSince(parseFeedCounters('oxo_feed_reads_total{source="window"} 4'), counters);
  assert.deepEqual(
    [...since.readsBySource],
    [
      ['window', 5],
      ['postgres', 1_000],
    ],
  );
  assert.equal(since.fanoutInserts, 120);
});

test('work in parallel keeps its limit, and stops at the first failure', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await inParallel([...Array(20).keys()], 3, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    done.push(item);
    running -= 1;
  });
  assert.equal(most, 3);
  assert.equal(done.length, 20);
  const begun: number[] = [];
  await assert.rejects(
    inParallel([...Array(20).keys()], 2, async (item) => {
      begun.push(item);
      await new Promise(setImmediate);
      if (item === 3) throw new Error('third');
    }),
    /third/,
  );
  assert(begun.length < 20);
});

test('progress is one changing line on a terminal and plain lines in a file', () => {
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const progress = createProgress({ isTTY, write: (text) => written.push(text) });
    const phase = progress.phase('posts', 10);
    phase.done(10);
    phase.end();
    progress.stop();
    const text = written.join('');
    assert.match(text, /✓ posts +\S+ ms {2}10\n$/);
    assert.equal(text.includes('\u001b'), isTTY);
  }
});
