import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overheadOf, renderOverhead } from './overhead.ts';

const pair = (without: number, more: number, requests = 100) => ({
  without: { cpuMs: without * requests, requests },
  with: { cpuMs: without * (1 + more) * requests, requests },
});

test('overhead is of CPU a request, so that a turn with more requests counts for more', () => {
  const { withoutMs, withMs, more, pairs } = overheadOf('reads', [pair(1, 0, 300), pair(1, 0.08), pair(1, 0.02)]);
  assert.deepEqual(
    [withoutMs, withMs, more, ...pairs].map((value) => Number(value.toFixed(4))),
    [...[1, 1.02, 0.02], ...[0, 0.02, 0.08]],
  );
  const rates = overheadOf('rates', [{ without: { cpuMs: 100, requests: 100 }, with: { cpuMs: 50, requests: 50 } }]);
  assert.equal(rates.more, 0);
  assert.throws(() => overheadOf('nothing', [pair(1, 0, 0)]), /nothing was measured of nothing/);
});

test('each stands beside the budget, in lines that fit', () => {
  const text = renderOverhead(
    [
      overheadOf('GET /feed', [pair(1, 0.031)]),
      overheadOf('POST /posts', [pair(2, 0.06)]),
      overheadOf('x', [pair(1, -0.01)]),
    ],
    43.4,
    1,
  );
  assert.match(text, /GET \/feed +1\.000 +1\.031 +\+3\.1 % +≤ \+5\.0 % +ok/);
  assert.match(text, /POST \/posts +2\.000 +2\.120 +\+6\.0 % +≤ \+5\.0 % +over/);
  assert.match(text, /−1\.0 %.*ok/);
  assert.match(text, /takes 43 ms of CPU a second/);
  for (const line of text.split('\n')) assert([...line].length <= 120, line);
});
