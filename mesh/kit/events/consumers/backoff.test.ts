import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { DEFAULT_BACKOFF_MS, DEFAULT_MAX_DELIVER, retryDelayMs } from '#kit/events/consumers/backoff.ts';
import { createSlots } from '#kit/events/consumers/slots.ts';

test('the delay follows the table, a fifth around it, and its last entry repeats', () => {
  const table = [100, 1_000];
  assert.deepEqual(
    [1, 2, 3, 99].map((attempt) => retryDelayMs(table, attempt, () => 0.5)),
    [100, 1_000, 1_000, 1_000],
  );
  assert.equal(
    retryDelayMs(table, 1, () => 0),
    80,
  );
  assert.equal(
    retryDelayMs(table, 1, () => 1),
    120,
  );
  assert.equal(retryDelayMs([], 1), 0);
});

test('an event waits about as long as an outage lasts, and outlives one of 40 minutes', () => {
  const triesAtMs = (random: number) => {
    let atMs = 0;
    return Array.from({ length: DEFAULT_MAX_DELIVER - 1 }, (_, index) => {
      atMs += retryDelayMs(DEFAULT_BACKOFF_MS, index + 1, () => random);
      return atMs;
    });
  };
  const [early, late] = [triesAtMs(0), triesAtMs(1)];
  assert.ok((early.at(-1) ?? 0) > 40 * MINUTE_MS, `${early.at(-1)}`);
  const firstAfter = (outageMs: number) => late.find((atMs) => atMs >= outageMs) ?? Number.POSITIVE_INFINITY;
  for (const outageMs of [SECOND_MS, 3 * SECOND_MS, 10 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS]) {
    assert.ok(firstAfter(outageMs) - outageMs <= 2 * outageMs, `after ${outageMs} ms`);
  }
});

test('slots bound what runs at the same time', async () => {
  const slots = createSlots(2);
  await slots.acquire();
  await slots.acquire();
  let third = false;
  const waiting = slots.acquire().then(() => {
    third = true;
  });
  await Promise.resolve();
  assert.equal(third, false);
  slots.release();
  await waiting;
  let idle = false;
  const whenIdle = slots.idle().then(() => {
    idle = true;
  });
  slots.release();
  await Promise.resolve();
  assert.equal(idle, false);
  slots.release();
  await whenIdle;
});
