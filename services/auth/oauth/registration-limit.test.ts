import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOUR_MS } from '#kit/clock.ts';
import { createNetworkLimit } from './registration-limit.ts';

test('a network may do so many at once, then one after the other, and others do not feel it', () => {
  let nowMs = 0;
  const limit = createNetworkLimit({ perHour: 4, clock: { nowMs: () => nowMs } });
  for (let time = 0; time < 4; time += 1) assert.equal(limit('a'), undefined);
  assert.equal(limit('a'), HOUR_MS / 4);
  assert.equal(limit('b'), undefined);
  nowMs += HOUR_MS / 4 - 1;
  assert.equal(limit('a'), 1);
  nowMs += 1;
  assert.equal(limit('a'), undefined);
  assert.equal(limit('a'), HOUR_MS / 4);
  nowMs += 10 * HOUR_MS;
  for (let time = 0; time < 4; time += 1) assert.equal(limit('a'), undefined);
  assert.ok((limit('a') ?? 0) > 0, 'no more than the bucket holds');
});
