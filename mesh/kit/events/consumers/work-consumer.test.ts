import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { systemClock } from '#kit/clock.ts';
import { listDeadLetters } from '#kit/events/consumers/dead-letters.ts';
import { type Durable, defineDurable, ensureDurables } from '#kit/events/consumers/durables.ts';
import { type EventHandler, notBefore, on, PermanentError } from '#kit/events/consumers/handlers.ts';
import {
  createWorkConsumer,
  type WorkConsumer,
  type WorkConsumerOptions,
} from '#kit/events/consumers/work-consumer.ts';
import { ensureStreams } from '#kit/events/jetstream/streams.ts';
import { createPublisher, type OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { makeEvent, quiet, startBus, type TestBus, testEvent } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

const durable = defineDurable({ name: 'feed-fanout', subjects: ['post.created'], ackWaitMs: 1_000, maxDeliver: 3 });

interface Setup extends TestBus {
  publish(...events: OutgoingEvent[]): Promise<string[]>;
  consumer(handler: EventHandler, options?: Partial<WorkConsumerOptions>): WorkConsumer;
}

async function setUp(t: test.TestContext, definition: Durable = durable): Promise<Setup> {
  const bus = await startBus({ durables: [definition] });
  const consumers: WorkConsumer[] = [];
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  t.after(async () => {
    await Promise.allSettled(consumers.map((consumer) => consumer.stop()));
    await bus.stop();
  });
  return {
    ...bus,
    publish: (...events) => publisher.publish(events),
    consumer: (handler, options) => {
      const consumer = createWorkConsumer({
        nats: bus.admin,
        durable: definition,
        handlers: [handler],
        backoffMs: [20],
        logger: quiet,
        metrics: createMetrics(),
        ...options,
      });
      consumers.push(consumer);
      return consumer;
    },
  };
}

test('handles what is published, with its metadata, once', async (t) => {
  const { publish, consumer } = await setUp(t);
  const seen: object[] = [];
  const metrics = createMetrics();
  const handler = on(testEvent, (event, { id, source, version, requestId }) => {
    seen.push({ text: event.sessionId, id, source, version, requestId });
  });
  const event = makeEvent('a', 'post.created', 7);
  await publish(event);
  const work = consumer(handler, { metrics });
  assert.equal(await work.processAll(), 1);
  assert.equal(await work.processAll(), 0);
  assert.deepEqual(seen, [{ text: 'a', id: event.eventId, source: 'post', version: 7, requestId: 'request-a' }]);
  const text = await metrics.render();
  assert.match(text, /oxo_consumer_handled_total\{consumer="feed-fanout"\} 1/);
  assert.match(text, /oxo_consumer_lag\{consumer="feed-fanout"\} 0/);
});

test('is seen to ask for events also when there are none, and to count nothing before it does', async (t) => {
  const { consumer } = await setUp(t);
  const metrics = createMetrics();
  const work = consumer(
    on(testEvent, () => undefined),
    { metrics },
  );
  const before = await metrics.render();
  for (const name of ['handled', 'failed', 'redelivered', 'dead'])
    assert.ok(before.includes(`oxo_consumer_${name}_total{consumer="feed-fanout"} 0\n`), name);
  const lastFetch = 'oxo_consumer_last_fetch_timestamp_seconds{consumer="feed-fanout"}';
  assert.ok(before.includes(`${lastFetch} 0\n`));
  const startedSeconds = systemClock.nowMs() / 1_000;
  work.start();
  await until('it has asked', async () => {
    const [, seconds] =
      new RegExp(`${lastFetch.replace(/[{}]/g, '\\$&')} ([0-9.e+]+)`).exec(await metrics.render()) ?? [];
    return Number(seconds) >= startedSeconds;
  });
});

test('tries a failed event again after a delay', async (t) => {
  const { publish, consumer } = await setUp(t);
  const attemptsAtMs: number[] = [];
  const handler = on(testEvent, () => {
    attemptsAtMs.push(performance.now());
    if (attemptsAtMs.length < 3) throw new Error('not yet');
  });
  consumer(handler, { backoffMs: [100, 300] }).start();
  await publish(makeEvent('a'));
  await until('the third try', () => attemptsAtMs.length === 3);
  const [first = 0, second = 0, third = 0] = attemptsAtMs;
  assert.ok(second - first >= 75, `second try after ${second - first} ms`);
  assert.ok(third - second >= 235, `third try after ${third - second} ms`);
});

test('gives an event up after the last try, with the reason', async (t) => {
  const { publish, consumer, admin } = await setUp(t);
  let tries = 0;
  const handler = on(testEvent, () => {
    tries += 1;
    throw new Error('no room for ann@example.org');
  });
  consumer(handler).start();
  const event = makeEvent('a');
  await publish(event);
  const letters = await until('a dead letter', async () => {
    const found = await listDeadLetters(admin.connection, 10);
    return found.length > 0 && found;
  });
  assert.equal(tries, 3);
  const [letter] = letters;
  assert.equal(letter?.eventId, event.eventId);
  assert.equal(letter.subject, 'post.created');
  assert.equal(letter.consumer, 'feed-fanout');
  assert.equal(letter.deliveries, 3);
  assert.equal(letter.reason, 'Error: no room for [redacted]');
});

test('what is not due yet is delivered again when it is, and has not failed', async (t) => {
  const { publish, consumer, admin } = await setUp(t);
  await publish(makeEvent('a'));
  let nowMs = 0;
  const handled: number[] = [];
  const metrics = createMetrics();
  const handler = on(testEvent, (event) => {
    notBefore(event.sessionId === 'a' ? 300 : 0, { nowMs: () => nowMs });
    handled.push(nowMs);
  });
  const early = consumer(handler, { metrics });
  early.start();
  await until('it was looked at', async () => {
    const info = await (await jetstreamManager(admin.connection)).consumers.info('EVENTS', durable.name);
    return info.num_pending === 0 && info.num_ack_pending === 1;
  });
  assert.deepEqual(handled, []);
  nowMs = 300;
  await until('it is handled', () => handled.length > 0);
  assert.deepEqual(handled, [300]);
  assert.doesNotMatch(await metrics.render(), /oxo_consumer_failed_total\{[^}]*\} [1-9]/);
});

test('gives up at once what another try would not cure', async (t) => {
  const { publish, consumer, admin } = await setUp(t);
  const handler = on(testEvent, () => {
    throw new PermanentError('made for nobody');
  });
  const bytes = makeEvent('b');
  const undecodable = { ...bytes, payload: new Uint8Array([0x0a, 0xff]) };
  await publish(makeEvent('a'), undecodable);
  admin.connection.publish('post.created', 'no headers');
  await admin.connection.flush();
  assert.equal(await consumer(handler).processAll(), 3);
  const letters = await until('three dead letters', async () => {
    const found = await listDeadLetters(admin.connection, 10);
    return found.length === 3 && found;
  });
  assert.deepEqual(
    letters.map(({ deliveries }) => deliveries),
    [1, 1, 1],
  );
  const reasons = letters.map(({ reason }) => reason).reverse();
  assert.equal(reasons[0], 'PermanentError: made for nobody');
  assert.match(reasons[1] ?? '', /RangeError|Error/);
  assert.equal(reasons[2], 'EnvelopeError: no headers');
  assert.equal((await listDeadLetters(admin.connection, 1)).length, 1);
});

test('an event whose process dies between work and acknowledgement is delivered again', async (t) => {
  const { publish, consumer, connect } = await setUp(t);
  const seen: string[] = [];
  const dying = await connect();
  const first = on(testEvent, async (event) => {
    seen.push(`first ${event.sessionId}`);
    await dying.connection.close();
  });
  consumer(first, { nats: dying }).start();
  await publish(makeEvent('a'));
  await until('the first delivery', () => seen.length === 1);
  consumer(on(testEvent, (event) => void seen.push(`second ${event.sessionId}`))).start();
  await until('the second delivery', () => seen.length === 2);
  assert.deepEqual(seen, ['first a', 'second a']);
});

test('a handler that is too slow is tried again, one that says it works is not', async (t) => {
  const { publish, consumer } = await setUp(t, { ...durable, ackWaitMs: 2_000 });
  const tries = new Map<string, number>();
  let aborted = 0;
  const handler = on(testEvent, async ({ sessionId }, _, context) => {
    const count = (tries.get(sessionId) ?? 0) + 1;
    tries.set(sessionId, count);
    context.signal.addEventListener('abort', () => {
      aborted += 1;
    });
    // Longer than it may be silent; each step is far shorter, also when the machine is slow.
    for (let step = 0; step < 30 && (sessionId === 'works' || count === 1); step++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      if (sessionId === 'works') context.working();
    }
  });
  const work = consumer(handler);
  work.start();
  await publish(makeEvent('works'), makeEvent('sleeps'));
  await until('the second try', () => tries.get('sleeps') === 2);
  await until('the end', async () => (await work.processAll()) === 0);
  assert.equal(tries.get('works'), 1);
  assert.equal(aborted, 1);
});

test('goes on after the server was killed', async (t) => {
  const { publish, consumer, server, admin } = await setUp(t);
  const seen: string[] = [];
  consumer(on(testEvent, (event) => void seen.push(event.sessionId))).start();
  await publish(makeEvent('a'));
  await until('a', () => seen.includes('a'));
  await server.kill();
  await until('the loss is noticed', () => !admin.isConnected());
  await assert.rejects(admin.checkReady());
  assert.deepEqual(await publish(makeEvent('lost')), []);
  await server.restart();
  await until('the connection', () => admin.isConnected());
  const event = makeEvent('b');
  await until('b is stored', async () => (await publish(event)).length === 1);
  await until('b', () => seen.includes('b'));
});

test('goes on when the consumer, then the stream, is deleted and made again', async (t) => {
  const { publish, consumer, admin } = await setUp(t);
  const seen: string[] = [];
  consumer(on(testEvent, (event) => void seen.push(event.sessionId))).start();
  await publish(makeEvent('a'));
  await until('a', () => seen.includes('a'));
  const manager = await jetstreamManager(admin.connection);

  await manager.consumers.delete('EVENTS', durable.name);
  await ensureDurables(admin.connection, [durable]);
  await publish(makeEvent('b'));
  await until('b', () => seen.includes('b'));

  await manager.streams.delete('EVENTS');
  await ensureStreams(admin.connection);
  await ensureDurables(admin.connection, [durable]);
  await publish(makeEvent('c'));
  await until('c', () => seen.includes('c'));
});

test('stop waits for handlers and gives back what was not begun', async (t) => {
  const { publish, consumer, admin } = await setUp(t, { ...durable, ackWaitMs: 30_000 });
  const done: string[] = [];
  let begun = 0;
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = consumer(
    on(testEvent, async (event) => {
      begun += 1;
      await held;
      done.push(event.sessionId);
    }),
    { concurrency: 2 },
  );
  slow.start();
  await publish(...['a', 'b', 'c', 'd', 'e'].map((text) => makeEvent(text)));
  const other: string[] = [];
  await until('two in work, and more in hand', async () => {
    const info = await (await jetstreamManager(admin.connection)).consumers.info('EVENTS', durable.name);
    return begun === 2 && info.num_ack_pending > 2;
  });
  const stopped = slow.stop();
  consumer(on(testEvent, (event) => void other.push(event.sessionId))).start();
  release();
  await stopped;
  assert.deepEqual(done, ['a', 'b']);
  await until('the others elsewhere', () => other.length === 3);
});

test('refuses handlers that do not fit the durable', async (t) => {
  const { consumer } = await setUp(t);
  const handler = on({ ...testEvent, subject: 'post.deleted' }, () => undefined);
  assert.throws(() => consumer(handler), /feed-fanout gets "post.created" but handles "post.deleted"/);
});
