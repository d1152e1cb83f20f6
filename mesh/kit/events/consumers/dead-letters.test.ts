import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import {
  type DeadLetter,
  dropDeadLetter,
  findDeadLetter,
  listDeadLetters,
  NotReplayableError,
  readDeadLetters,
  replayDeadLetter,
} from '#kit/events/consumers/dead-letters.ts';
import { defineDurable, ensureDurables } from '#kit/events/consumers/durables.ts';
import { on, PermanentError } from '#kit/events/consumers/handlers.ts';
import { createWorkConsumer, type WorkConsumer } from '#kit/events/consumers/work-consumer.ts';
import { createPublisher, type OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { makeEvent, quiet, startBus, type TestBus, testEvent } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';

const fanOut = defineDurable({ name: 'feed-fanout', subjects: ['post.created'] });
const search = defineDurable({ name: 'search-index', subjects: ['post.created'] });

interface Setup extends TestBus {
  /** What each consumer was given, with the id of the event. */
  readonly handled: { consumer: string; text: string; id: string; subject: string }[];
  /** Texts that the fan-out refuses. */
  readonly refused: Set<string>;
  readonly fanOut: WorkConsumer;
  readonly search: WorkConsumer;
  publish(...texts: string[]): Promise<OutgoingEvent[]>;
  letters(count: number): Promise<DeadLetter[]>;
}

async function setUp(t: test.TestContext): Promise<Setup> {
  const bus = await startBus({ durables: [fanOut, search] });
  t.after(bus.stop);
  const handled: Setup['handled'] = [];
  const refused = new Set<string>();
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  const consumerOf = (durable: typeof fanOut): WorkConsumer => {
    const handler = on(testEvent, ({ sessionId: text }, { id, subject }) => {
      if (durable === fanOut && refused.has(text)) throw new PermanentError('refused');
      handled.push({ consumer: durable.name, text, id, subject });
    });
    const parts = { nats: bus.admin, logger: quiet, metrics: createMetrics() };
    return createWorkConsumer({ ...parts, durable, handlers: [handler] });
  };
  return {
    ...bus,
    ...{ handled, refused },
    fanOut: consumerOf(fanOut),
    search: consumerOf(search),
    publish: async (...texts) => {
      const events = texts.map((text) => makeEvent(text));
      assert.equal((await publisher.publish(events)).length, events.length);
      // The server tells consumers of a new message a moment after it has stored it.
      const { consumers } = await jetstreamManager(bus.admin.connection);
      for (const { name } of [fanOut, search])
        await until(`${name} is told`, async () => (await consumers.info('EVENTS', name)).num_pending >= texts.length);
      return events;
    },
    letters: (count) =>
      until(`${count} dead letters`, async () => {
        const found = await listDeadLetters(bus.admin.connection, 100);
        return found.length === count && found;
      }),
  };
}

test('a replayed event comes to the consumer that gave it up, as it was, and to no other', async (t) => {
  const { admin, publish, letters, handled, refused, ...consumers } = await setUp(t);
  refused.add('a');
  const [event] = await publish('a');
  await consumers.fanOut.processAll();
  await consumers.search.processAll();
  const [letter] = await letters(1);
  assert(letter !== undefined);
  handled.length = 0;
  refused.clear();
  await replayDeadLetter(admin.connection, letter);
  assert.equal(await findDeadLetter(admin.connection, letter.id), undefined);
  await until('it is handled', async () => (await consumers.fanOut.processAll()) === 1);
  assert.equal(await consumers.search.processAll(), 0);
  assert.deepEqual(handled, [{ consumer: 'feed-fanout', text: 'a', id: event?.eventId, subject: 'post.created' }]);
});

test('what fails again becomes a letter with the first subject, and can be replayed again', async (t) => {
  const { admin, publish, letters, handled, refused, fanOut } = await setUp(t);
  refused.add('a');
  const [event] = await publish('a');
  await fanOut.processAll();
  const [first] = await letters(1);
  assert(first !== undefined);
  await replayDeadLetter(admin.connection, first);
  // The server tells a consumer of a new message a moment after it has stored it.
  await until('it is given up again', async () => (await fanOut.processAll()) === 1);
  const [second] = await letters(1);
  assert(second !== undefined && second.id > first.id);
  assert.deepEqual([second.subject, second.eventId, second.consumer], ['post.created', event?.eventId, 'feed-fanout']);
  refused.clear();
  await replayDeadLetter(admin.connection, second);
  await until('it is handled', async () => (await fanOut.processAll()) === 1);
  assert.equal(handled.length, 1);
});

test('a replay whose process died before the letter went is stored once when it is repeated', async (t) => {
  const { admin, publish, letters, refused, fanOut } = await setUp(t);
  refused.add('a');
  await publish('a');
  await fanOut.processAll();
  const [letter] = await letters(1);
  assert(letter !== undefined);
  await replayDeadLetter(admin.connection, letter);
  // As if it had died between the two: the letter is still known.
  await replayDeadLetter(admin.connection, letter).catch(() => undefined);
  const manager = await jetstreamManager(admin.connection);
  assert.equal((await manager.consumers.info('EVENTS', 'feed-fanout')).num_pending, 1);
});

test('an expired event, a consumer that is gone, and a subject that it reads no more are said, and the letter stays', async (t) => {
  const { admin, publish, letters, refused, fanOut } = await setUp(t);
  for (const text of ['a', 'b']) refused.add(text);
  await publish('a', 'b');
  await fanOut.processAll();
  const [second, first] = await letters(2);
  assert(first !== undefined && second !== undefined);
  const manager = await jetstreamManager(admin.connection);
  await manager.streams.deleteMessage('EVENTS', first.streamSequence);
  const expired = await findDeadLetter(admin.connection, first.id);
  assert(expired !== undefined && expired.event === undefined);
  await assert.rejects(replayDeadLetter(admin.connection, expired), NotReplayableError);
  await ensureDurables(admin.connection, [defineDurable({ name: 'feed-fanout', subjects: ['post.deleted'] })]);
  await assert.rejects(replayDeadLetter(admin.connection, second), /does not read post\.created any more/);
  await manager.consumers.delete('EVENTS', 'feed-fanout');
  await assert.rejects(replayDeadLetter(admin.connection, second), /no consumer feed-fanout any more/);
  assert.equal((await letters(2)).length, 2);
});

test('lists skip what is gone, keep to their limit and to one consumer; all are read oldest first', async (t) => {
  const { admin, publish, letters, refused, fanOut } = await setUp(t);
  const texts = ['a', 'b', 'c', 'd', 'e'];
  for (const text of texts) refused.add(text);
  await publish(...texts);
  await fanOut.processAll();
  const newestFirst = await letters(5);
  const { connection } = admin;
  for (const letter of newestFirst.slice(1, 3)) assert.equal(await dropDeadLetter(connection, letter), true);
  assert.equal(await dropDeadLetter(connection, newestFirst[1] as DeadLetter), false);
  const ids = newestFirst.map(({ id }) => id);
  const left = [ids[0], ids[3], ids[4]];
  const readAll = async (consumer?: string): Promise<DeadLetter[]> => {
    const found: DeadLetter[] = [];
    for await (const letter of readDeadLetters(connection, consumer)) found.push(letter);
    return found;
  };
  const idsOf = (found: readonly DeadLetter[]) => found.map(({ id }) => id);
  assert.deepEqual(idsOf(await listDeadLetters(connection, 100)), left);
  assert.deepEqual(idsOf(await listDeadLetters(connection, 2)), left.slice(0, 2));
  assert.deepEqual(idsOf(await listDeadLetters(connection, 100, 'feed-fanout')), left);
  assert.deepEqual(await listDeadLetters(connection, 100, 'search-index'), []);
  assert.deepEqual(idsOf(await readAll()), left.toReversed());
  assert.deepEqual(idsOf(await readAll('feed-fanout')), left.toReversed());
  assert.deepEqual(await readAll('search-index'), []);
});
