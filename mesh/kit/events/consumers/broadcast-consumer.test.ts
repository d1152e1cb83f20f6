import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { type BroadcastConsumer, createBroadcastConsumer } from '#kit/events/consumers/broadcast-consumer.ts';
import { on } from '#kit/events/consumers/handlers.ts';
import { ensureStreams, REVOCATIONS_STREAM } from '#kit/events/jetstream/streams.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { makeEvent, quiet, sessionRevoked, startBus, type TestBus } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

interface Setup extends TestBus {
  publish(...texts: string[]): Promise<void>;
  /** A consumer that writes what it sees into `seen`. */
  consumer(seen: string[], checkEveryMs?: number): BroadcastConsumer;
}

async function setUp(t: test.TestContext): Promise<Setup> {
  const bus = await startBus();
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
    consumer: (seen, checkEveryMs) => {
      const handler = on(sessionRevoked, (event) => {
        seen.push(event.sessionId);
        if (event.sessionId === 'bad') throw new Error('bad');
      });
      const options = { nats: bus.admin, stream: REVOCATIONS_STREAM, handlers: [handler], logger: quiet, checkEveryMs };
      const consumer = createBroadcastConsumer(options);
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
