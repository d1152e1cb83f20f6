import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { type Clock, systemClock } from '#kit/clock.ts';
import { type BroadcastConsumer, createBroadcastConsumer } from '#kit/events/consumers/broadcast-consumer.ts';
import { on } from '#kit/events/consumers/handlers.ts';
import { ensureStreams, REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createMetrics, type Metrics } from '#kit/observability/metrics.ts';
import { makeEvent, quiet, sessionRevoked, startBus, type TestBus } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

interface Setup extends TestBus {
  publish(...texts: string[]): Promise<void>;
  /** A consumer that writes what it sees into `seen`. */
  consumer(seen: string[], checkEveryMs?: number, clock?: Clock): BroadcastConsumer;
  /** Of all consumers. */
  metrics: Metrics;
}

async function setUp(t: test.TestContext): Promise<Setup> {
  const bus = await startBus();
  const metrics = createMetrics();
  const consumers: BroadcastConsumer[] = [];
  const publisher = createPublisher({ nats: bus.admin, source: 'auth', logger: quiet });
  t.after(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await bus.stop();
  });
  return {
    ...bus,
    publish: async (...texts) => {
      const events = texts.map((text) => makeEvent(text, sessionRevoked.subject));
      assert.equal((await publisher.publish(events)).length, texts.length);
    },
    metrics,
    consumer: (seen, checkEveryMs, clock = systemClock) => {
      const handler = on(sessionRevoked, (event) => {
        seen.push(event.sessionId);
        if (event.sessionId === 'bad') throw new Error('bad');
      });
      const consumer = createBroadcastConsumer({
        ...{ nats: bus.admin, stream: REVOCATIONS_STREAM, handlers: [handler], logger: quiet },
        ...{ metrics, clock, checkEveryMs },
      });
      consumers.push(consumer);
      return consumer;
    },
  };
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

test('replays the stream before start resolves, then hears what is new, in order', async (t) => {
  const { publish, consumer } = await setUp(t);
  await publish(...numbers(1, 600));
  const seen: string[] = [];
  await consumer(seen).start();
  assert.deepEqual(seen, numbers(1, 600));
  await publish('bad', ...numbers(601, 650));
  await until('the new ones', () => seen.length === 651);
  assert.deepEqual(seen, [...numbers(1, 600), 'bad', ...numbers(601, 650)]);
});

test('every process hears everything', async (t) => {
  const { publish, consumer } = await setUp(t);
  const [one, two]: [string[], string[]] = [[], []];
  await Promise.all([consumer(one).start(), consumer(two).start()]);
  await publish('a', 'b');
  await until('both', () => one.length === 2 && two.length === 2);
});

test('starts at once on an empty stream and on one whose messages are gone', async (t) => {
  const { publish, consumer, admin } = await setUp(t);
  await consumer([]).start();
  await publish('a', 'b', 'c');
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.deleteMessage(REVOCATIONS_STREAM, 2);
  const seen: string[] = [];
  await consumer(seen).start();
  assert.deepEqual(seen, ['a', 'c']);
  await manager.streams.purge(REVOCATIONS_STREAM);
  const late: string[] = [];
  await consumer(late).start();
  assert.equal(late.length, 0);
  await publish('d');
  await until('d everywhere', () => late.includes('d') && seen.includes('d'));
});

test('misses nothing while the server is away', async (t) => {
  const { publish, consumer, server, admin, connect } = await setUp(t);
  const seen: string[] = [];
  // No check by time: the reconnect itself must do.
  await consumer(seen, 3_600_000).start();
  await publish('a');
  await until('a', () => seen.length === 1);
  await server.kill();
  await server.restart();
  const other = await connect();
  const publisher = createPublisher({ nats: other, source: 'auth', logger: quiet });
  await until('b is stored', async () => {
    return (await publisher.publish([makeEvent('b', sessionRevoked.subject)])).length === 1;
  });
  await until('the connection', () => admin.isConnected());
  await until('b', () => seen.includes('b'));
  await publish('c');
  await until('c', () => seen.includes('c'));
  assert.deepEqual(seen, ['a', 'b', 'c']);
});

test('begins again when the stream is made anew', async (t) => {
  const { publish, consumer, admin } = await setUp(t);
  const seen: string[] = [];
  await consumer(seen, 50).start();
  await publish('a', 'b', 'c');
  await until('three', () => seen.length === 3);
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.delete(REVOCATIONS_STREAM);
  await ensureStreams(admin.connection);
  await publish('d');
  await until('d', () => seen.includes('d'));
});

test('tells what it has handled, when it knew all, and that it no longer does', async (t) => {
  const { publish, consumer, metrics, admin } = await setUp(t);
  let nowMs = 1_700_000_000_000;
  const seen: string[] = [];
  const one = consumer(seen, 50, { nowMs: () => nowMs });
  const value = async (name: string): Promise<number> => {
    const text = await metrics.render();
    return Number(new RegExp(`^oxo_broadcast_${name}\\{stream="REVOCATIONS"\\} (\\S+)$`, 'm').exec(text)?.[1]);
  };
  assert.deepEqual([await value('handled_total'), await value('failed_total')], [0, 0]);
  assert.equal(await value('current_timestamp_seconds'), 0);
  await assert.rejects(one.checkCurrent(), /REVOCATIONS could not be read/, 'before it has read it once');

  await publish('a', 'bad', 'c');
  await one.start();
  assert.deepEqual([await value('handled_total'), await value('failed_total')], [2, 1]);
  assert.equal(await value('current_timestamp_seconds'), 1_700_000_000);
  await one.checkCurrent();

  // The server is there, and the stream is not: nothing else would tell.
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.delete(REVOCATIONS_STREAM);
  nowMs += 20_001;
  await assert.rejects(one.checkCurrent(), /REVOCATIONS could not be read for 20 s/);
  assert.equal(await value('current_timestamp_seconds'), 1_700_000_000);

  await ensureStreams(admin.connection);
  await until('it knows all again', async () => (await value('current_timestamp_seconds')) === nowMs / 1_000);
  await one.checkCurrent();
  await publish('d');
  await until('d', () => seen.includes('d'));
});
