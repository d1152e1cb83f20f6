import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthOf, renderGrowth, type Sample, slopeOf } from './growth.ts';

const mib = 1024 * 1024;

test('the slope is that of the line with the least squares', () => {
  assert.equal(
    slopeOf([
      [1, 2],
      [2, 4],
      [3, 6],
    ]),
    2,
  );
  assert.equal(
    slopeOf([
      [0, 1],
      [1, 3],
      [2, 2],
      [3, 4],
    ]),
    0.8,
  );
  assert.equal(slopeOf([[1, 5]]), 0);
  assert.equal(slopeOf([]), 0);
});

test('what fills up in the first half is no growth, what goes on growing is', () => {
  const samples: Sample[] = Array.from({ length: 21 }, (_, n) => ({
    atMs: n * 30_000,
    bytes: { fills: Math.min(n, 10) * 10 * mib, leaks: (100 + n) * mib },
  }));
  const [fills, leaks] = growthOf(samples);
  assert.deepEqual(fills, { name: 'fills', firstMib: 0, lastMib: 100, slope: 0 });
  assert.ok(leaks !== undefined && Math.abs(leaks.slope - 2) < 1e-9);
  assert.match(renderGrowth(growthOf(samples)), /leaks .*100\.0 → 120\.0 MiB .*\+2\.00 MiB\/min\n.*fills/);
  assert.deepEqual(growthOf([]), []);
});
