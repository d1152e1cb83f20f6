import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followeesOf, followerOf, followersEach } from '../crowd.ts';
import { verdictOf } from './budgets.ts';
import type { BenchResults, StackResults } from './results.ts';
import { budgetLines, renderResults } from './table.ts';

const servers = { envoy: 0.61, feed: 0.52, post: -0.01, redis: 0.1, postgres: 0.05, nats: 0, user: 0, auth: 0 };
const read = {
  requests: 1,
  ratePerSecond: 1_234.5,
  p50Ms: 21.6,
  p99Ms: 143.2,
  cpuMs: 1.28,
  cpuByServerMs: servers,
  answerBytes: 10_240,
};
const visible = {
  ...{ samples: 30, p50Ms: 9, p99Ms: 90 },
  ...{ p50AnswerMs: 4, p99AnswerMs: 40, p50AfterAnswerMs: 5, p99AfterAnswerMs: 50 },
};
const latencies = { requests: 100, p50Ms: 21.6, p99Ms: 143.2, maxMs: 200 };
const stack: StackResults = {
  viewers: 1_000,
  safety: {
    postgres: { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on', wal_sync_method: 'fdatasync' },
    jetstream: {
      storage: 'file',
      replicas: '1',
      sync: 'always (before the acknowledgement)',
      'publisher acknowledgements': 'each message',
      'consumer acknowledgements': 'explicit',
    },
  },
  reads: { feed: read, echo: { ...read, cpuMs: 1, cpuByServerMs: { envoy: 0.6, echo: 0.4 } }, echoOfBytes: read },
  writes: { ...read, backlogSeconds: 0.5, visibleRatePerSecond: 900, insertsPerSecond: 18_900, cpuMs: 4 },
  visibleIdle: visible,
  mixed: { ...read, reads: latencies, posts: latencies },
  visibleHalfLoad: { ...visible, readsPerSecond: 300, postsPerSecond: 200 },
  fanOut: {
    ...{ posts: 400, inserts: 400_000, seconds: 10, insertsPerSecond: 40_000 },
    ...{ backlogSeconds: 0.1, burstInsertsPerSecond: 45_000 },
  },
  acknowledged: { feeds: 40, lost: 0, doubles: 1 },
  replicas: 1,
  idleMemoryBytes: Object.fromEntries(Object.keys(servers).map((name) => [name, 100 * 1024 ** 2])),
  loadedMemoryBytes: Object.fromEntries(Object.keys(servers).map((name) => [name, 1_000 * 1024 ** 2])),
  idleCpuMsPerSecond: Object.fromEntries(Object.keys(servers).map((name) => [name, 3.4])),
  serviceStartMs: { auth: 4_000, feed: 6_000 },
};
const results: BenchResults = {
  startedAt: '2026-11-23T09:00:00.000Z',
  machine: { cpu: 'Some CPU', cores: 2, node: '24.21.0' },
  seconds: 10,
  stack,
};

test('a budget is kept, exceeded, or missed by more than twice', () => {
  assert.deepEqual([0.5, 1, 1.01, 2, 2.01, Number.POSITIVE_INFINITY, undefined].map(verdictOf), [
    ...['ok', 'ok', 'over', 'over', 'MISSED', 'MISSED', '–'],
  ]);
});

test('each figure stands beside its budget', () => {
  const lines = new Map(budgetLines(stack).map((line) => [line.what, line]));
  const ratio = (what: string): number => Number(lines.get(what)?.ratio?.toFixed(3));
  assert.equal(ratio('CPU of one GET /feed (20 items, warm)'), Number((1.28 / 1.3).toFixed(3)));
  assert.match(lines.get('CPU of one GET /feed (20 items, warm)')?.budget ?? '', /≤ 1.30 ms \(1.3 × the echo\)/);
  assert.equal(ratio('CPU of one POST /posts, until 20 followers have it'), 2.667);
  assert.equal(ratio('post → visible, idle, p99'), 2.25);
  assert.equal(ratio('fan-out, held'), 0.5);
  assert.equal(ratio('start of all services'), 0.6);
  assert.equal(ratio('idle memory of 4 service processes, PSS'), 0.889);
  assert.equal(lines.get('doubles in these feeds')?.ratio, Number.POSITIVE_INFINITY);
});

test('everything is at most 120 columns wide', () => {
  const lines = renderResults(results).split('\n');
  for (const line of lines) assert([...line].length <= 120, `${[...line].length}: ${line}`);
  assert(lines.some((line) => line.startsWith('Postgres   fsync on, synchronous_commit on')));
  assert(lines.some((line) => line.includes('MISSED')));
});

test('what was not measured has its line and its budget all the same, and no table', () => {
  const { viewers, safety, replicas, idleMemoryBytes, loadedMemoryBytes, idleCpuMsPerSecond, serviceStartMs } = stack;
  const bare = { viewers, safety, replicas, idleMemoryBytes, loadedMemoryBytes, idleCpuMsPerSecond, serviceStartMs };
  assert.deepEqual(
    budgetLines(bare).map(({ what }) => what.replace(/ \(40 feeds\)/, '')),
    budgetLines(stack).map(({ what }) => what.replace(/ \(40 feeds\)/, '')),
  );
  const text = renderResults({ ...results, stack: bare });
  assert.match(text, /fan-out, held +– +≥ 20,000\/s +– +–/);
  assert.doesNotMatch(text, /p50 ms|undefined|NaN/);
});

test('everyone in the circle follows twenty others and is followed by twenty', () => {
  const viewers = 50;
  const followers = new Map<number, number>();
  for (let viewer = 0; viewer < viewers; viewer += 1) {
    const followees = followeesOf(viewer, viewers);
    assert.equal(new Set(followees).size, followersEach);
    assert(!followees.includes(viewer));
    for (const followee of followees) followers.set(followee, (followers.get(followee) ?? 0) + 1);
    assert(followeesOf(followerOf(viewer, viewers), viewers).includes(viewer));
  }
  assert([...followers.values()].every((count) => count === followersEach));
});
