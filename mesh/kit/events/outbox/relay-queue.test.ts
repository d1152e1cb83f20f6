import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import type { BatchPublisher, SweepResult } from '#kit/events/outbox/relay-batch.ts';
import type { Link } from '#kit/events/outbox/relay-link.ts';
import { createRelayQueue, type RelayQueue } from '#kit/events/outbox/relay-queue.ts';
import { until } from '#kit/testing/until.ts';

// The queue only hands it on.
const link = { lost: false } as Link;
const empty: SweepResult = { isFull: false, found: 0, ready: 0, published: 0 };

function eventOf(version: number): OutgoingEvent {
  return { version, eventId: String(version), subject: 'post.created', payload: Buffer.alloc(0), headers: {} };
}

/** A queue that runs. @param sweep what a look into the table does */
function startQueue({ pollMs, sweep }: { pollMs: number; sweep: (queue: RelayQueue) => Promise<SweepResult> }) {
  const published: number[] = [];
  const batches: BatchPublisher = {
    async publish(_, events) {
      published.push(...events.map(({ version }) => version));
      return true;
    },
    sweep: () => sweep(queue),
    finish: async () => undefined,
    deletable: () => 0,
    settled: () => undefined,
  };
  const queue: RelayQueue = createRelayQueue(batches, pollMs);
  let isOver = false;
  const running = queue.publishUntil(() => isOver, link);
  const stop = async () => {
    isOver = true;
    queue.interrupt();
    await running;
  };
  return { queue, published, stop };
}

test('own events are published though every sweep is followed by the wish for another', async (t) => {
  let sweeps = 0;
  const { published, stop } = startQueue({
    pollMs: 60_000,
    async sweep(queue) {
      sweeps += 1;
      queue.sweepSoon();
      // Events of requests that commit during the look.
      queue.add([eventOf(sweeps)]);
      await pause(2);
      queue.sweepSoon();
      return empty;
    },
  });
  t.after(stop);
  await until('it has looked often', () => sweeps >= 20);
  assert.ok(published.length >= 18, `${published.length} of ${sweeps} are published`);
});

test('between two wished sweeps others get their turn', async (t) => {
  let sweeps = 0;
  let wishes = 0;
  const { queue, stop } = startQueue({
    pollMs: 60_000,
    async sweep() {
      sweeps += 1;
      return empty;
    },
  });
  t.after(stop);
  await until('it has begun', () => sweeps === 1);
  const startedMs = performance.now();
  while (performance.now() - startedMs < 100) {
    queue.sweepSoon();
    wishes += 1;
    await new Promise(setImmediate);
  }
  const tookMs = performance.now() - startedMs;
  assert.ok(sweeps <= 2 + tookMs / 2, `${sweeps} sweeps by ${wishes} wishes in ${tookMs} ms`);
});

test('a wish while nothing goes on is a sweep at once, long before the poll', async (t) => {
  let sweeps = 0;
  const { queue, stop } = startQueue({
    pollMs: 3_600_000,
    async sweep() {
      sweeps += 1;
      return empty;
    },
  });
  t.after(stop);
  await until('it has begun', () => sweeps === 1);
  queue.sweepSoon();
  await until('it looks again', () => sweeps === 2);
});
