import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelayMs } from '#kit/events/backoff.ts';
import { createSlots } from '#kit/events/slots.ts';

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
