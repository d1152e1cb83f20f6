import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { systemClock } from '#kit/clock.ts';
import { defineDurable, ensureDurables } from '#kit/events/consumers/durables.ts';
import { on } from '#kit/events/consumers/handlers.ts';
import { createWorkConsumer } from '#kit/events/consumers/work-consumer.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { makeEvent, quiet, startBus, testEvent } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';
import { CliError } from '../cli/cli-error.ts';
import { type Range, type ReplayOptions, replayRange } from './replay-range.ts';

const fanOut = defineDurable({ name: 'feed-fanout', subjects: ['post.created'] });
const search = defineDurable({ name: 'search-index', subjects: ['post.created', 'user.updated'] });
const ever: Range = { since: new Date(0), until: undefined, source: undefined };

async function setUp(t: test.TestContext) {
  const bus = await startBus({ durables: [fanOut, search] });
  t.after(bus.stop);
  const handled: Record<string, string[]> = { 'feed-fanout': [], 'search-index': [] };
  const consumers = [fanOut, search].map((durable) => {
    const handlers = durable.subjects.map((subject) =>
      on({ ...testEvent, subject }, ({ sessionId }) => void handled[durable.name]?.push(sessionId)),
    );
    const parts = { nats: bus.admin, logger: quiet, metrics: createMetrics() };
    return createWorkConsumer({ ...parts, durable, handlers, concurrency: 1 });
  });
  t.after(() => Promise.all(consumers.map((consumer) => consumer.stop())));
  const publish = async (source: string, subject: string, texts: readonly string[]) => {
    const publisher = createPublisher({ nats: bus.admin, source, logger: quiet });
    const events = texts.map((text) => makeEvent(text, subject));
    assert.equal((await publisher.publish(events)).length, texts.length);
    publisher.close();
  };
  return {
    ...{ handled, publish, connection: bus.admin.connection },
    start: () => consumers.forEach((consumer) => void consumer.start()),
    drain: async () => {
      for (const consumer of consumers) await consumer.processAll();
      for (const list of Object.values(handled)) list.length = 0;
    },
    replay: (range: Partial<Range> = {}, options: Partial<ReplayOptions> = {}, durables = [fanOut, search]) =>
      replayRange(
        bus.admin.connection,
        durables,
        { ...ever, ...range },
        { rate: 10_000, dryRun: false, signal: new AbortController().signal, ...options },
      ),
  };
}

/** A time after all that has happened so far. */
async function nextMillisecond(): Promise<Date> {
  const now = systemClock.nowMs();
  await until('the clock has moved on', async () => systemClock.nowMs() > now);
  return new Date(systemClock.nowMs());
}

test('each consumer gets what it reads once more, in order, and nothing that was a replay itself', async (t) => {
  const { publish, drain, replay, start, handled } = await setUp(t);
  const texts = Array.from({ length: 250 }, (_, number) => `p${number}`);
  await publish('post', 'post.created', texts);
  await publish('user', 'user.updated', ['u']);
  await drain();
  start();
  for (let time = 1; time <= 2; time += 1) {
    const { events, consumers, behind, newDeadLetters, resumeAt } = await replay();
    assert.deepEqual([events, behind, newDeadLetters, resumeAt], [251, 0, 0, undefined]);
    assert.deepEqual(Object.fromEntries(consumers), { 'feed-fanout': 250, 'search-index': 251 });
    assert.deepEqual(handled['feed-fanout'], texts);
    assert.deepEqual(handled['search-index'], [...texts, 'u']);
    for (const list of Object.values(handled)) list.length = 0;
  }
});

test('a range is bounded by time, source and consumer; a dry run only counts', async (t) => {
  const { publish, drain, replay, start, handled } = await setUp(t);
  await publish('post', 'post.created', ['old']);
  // The server's times go by its own clock: a millisecond that belongs to neither event lies between them.
  const between = await nextMillisecond();
  await nextMillisecond();
  await publish('post', 'post.created', ['new']);
  await publish('user', 'user.updated', ['u']);
  await drain();
  start();
  assert.equal((await replay({}, { dryRun: true })).events, 3);
  assert.equal((await replay({ source: 'user' })).events, 1);
  assert.deepEqual(handled, { 'feed-fanout': [], 'search-index': ['u'] });
  await replay({ since: between, source: 'post' }, {}, [fanOut]);
  await replay({ until: between }, {}, [fanOut]);
  assert.deepEqual(handled, { 'feed-fanout': ['new', 'old'], 'search-index': ['u'] });
});

test('it stops on request, and says from where to go on', async (t) => {
  const { publish, drain, replay, start, handled } = await setUp(t);
  const texts = Array.from({ length: 150 }, (_, number) => `p${number}`);
  await publish('post', 'post.created', texts);
  await drain();
  start();
  const stopping = new AbortController();
  const { events, resumeAt } = await replay({}, { signal: stopping.signal, onProgress: () => stopping.abort() });
  assert.equal(events, 100);
  assert(resumeAt !== undefined);
  await replay({ since: resumeAt });
  assert.deepEqual(new Set(handled['feed-fanout']), new Set(texts));
});

test('a slow one does not deliver in bursts, and an interruption does not wait for its turn', async (t) => {
  const { publish, drain, replay, start, connection } = await setUp(t);
  const manager = await jetstreamManager(connection);
  const lastSequence = async (): Promise<number> => (await manager.streams.info('EVENTS')).state.last_seq;
  const texts = Array.from({ length: 20 }, (_, number) => `p${number}`);
  await publish('post', 'post.created', texts);
  await drain();
  start();
  const stopping = new AbortController();
  const oneAnHour = replay({}, { signal: stopping.signal, rate: 1 / 3_600 }, [fanOut]);
  await until('the first is delivered', async () => (await lastSequence()) > texts.length);
  stopping.abort();
  const { events, resumeAt } = await oneAnHour;
  assert.deepEqual([events, resumeAt !== undefined], [1, true]);
  assert.equal(await lastSequence(), texts.length + 1);
});

test('consumers that get no further are not buried under events', async (t) => {
  const { publish, replay, connection } = await setUp(t);
  await publish(
    'post',
    'post.created',
    Array.from({ length: 600 }, (_, number) => `p${number}`),
  );
  // Nobody reads: what was published waits already.
  await assert.rejects(replay({}, { patienceMs: 200 }), (error) => {
    assert(error instanceof CliError);
    assert.match(error.message, /stopped after 0 events: the consumers get no further/);
    assert.match(error.advice.join(), /--since 1970/);
    return true;
  });
  const manager = await jetstreamManager(connection);
  assert.equal((await manager.streams.info('EVENTS')).state.messages, 600);
});

test('a consumer that takes no replays is named', async (t) => {
  const { replay, connection } = await setUp(t);
  const manager = await jetstreamManager(connection);
  await manager.consumers.update('EVENTS', 'feed-fanout', { filter_subjects: ['post.created'] });
  await assert.rejects(replay(), /feed-fanout does not read post\.created any more/);
  await ensureDurables(connection, [fanOut]);
  assert.equal((await replay()).events, 0);
});
