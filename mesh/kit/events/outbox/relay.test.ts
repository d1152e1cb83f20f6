import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { insertEvent } from '#kit/events/outbox/outbox.ts';
import { BATCH_ROWS } from '#kit/events/outbox/relay-batch.ts';
import { testEvent } from '#kit/testing/bus.ts';
import { startNode } from '#kit/testing/process.ts';
import { useRelays } from '#kit/testing/relays.ts';
import { until } from '#kit/testing/until.ts';

const relays = useRelays();
const { startReplica, post, outboxSize, stored, leaders } = relays;

test('publishes what was committed, in order, and nothing that was rolled back', async () => {
  const { relay, outbox, repeated } = await startReplica();
  const texts = Array.from({ length: 600 }, (_, index) => `n${index}`);
  for (const text of texts.slice(0, 300)) await post(outbox, text);
  await assert.rejects(
    outbox.commit(
      [],
      (add) =>
        relays.database.db.transaction(async (tx) => {
          await insertEvent(
            tx,
            add(outbox.row(testEvent, { sessionId: 'never', userId: '' }, { requestId: 'request' })),
          );
          throw new Error('rolled back');
        }),
      async () => undefined,
    ),
    /rolled back/,
  );
  for (const text of texts.slice(300)) await post(outbox, text);
  assert.equal(await relay.processAll(), 600);
  assert.deepEqual(await stored(), texts);
  assert.equal(await outboxSize(), 0);
  assert.deepEqual(repeated, [], 'the requests did the effects themselves');
});

test('does the effects that the requests did not, before it publishes, and only those', async () => {
  const seenByEffect: string[][] = [];
  const { relay, outbox, repeated } = await startReplica({
    effect: async () => void seenByEffect.push(await stored()),
  });
  await post(outbox, 'done');
  await post(outbox, 'failed', () => Promise.reject(new Error('Redis is away')));
  // As after a kill: the process that wrote it knows nothing of it any more.
  const dead = await startReplica();
  await post(dead.outbox, 'forgotten');
  assert.equal(await relay.processAll(), 3);
  assert.deepEqual(repeated.toSorted(), ['failed', 'forgotten']);
  assert.deepEqual(seenByEffect, [[], []]);
  assert.deepEqual(await stored(), ['done', 'failed', 'forgotten']);
});

test('leaves an event whose effect still runs to the request that is at it', async () => {
  const { relay, outbox, repeated } = await startReplica();
  const effect = Promise.withResolvers<void>();
  const request = post(outbox, 'slow', () => effect.promise);
  await until('it is committed', async () => (await outboxSize()) === 1);
  assert.equal(await relay.processAll(), 0);
  effect.resolve();
  await request;
  assert.equal(await relay.processAll(), 1);
  assert.deepEqual(await stored(), ['slow']);
  assert.deepEqual(repeated, []);
});

test('an effect that fails holds back its own event alone, and is tried again', async () => {
  let isAway = true;
  let attempts = 0;
  const { relay, outbox } = await startReplica({
    async effect() {
      attempts += 1;
      if (isAway) throw new Error('Redis is away');
    },
  });
  await post(outbox, 'first');
  await post(outbox, 'second', () => Promise.reject(new Error('Redis is away')));
  relay.start();
  await until('it has tried', () => attempts >= 2);
  await post(outbox, 'third');
  await until('the others are stored', async () => (await outboxSize()) === 1);
  assert.deepEqual(await stored(), ['first', 'third']);
  isAway = false;
  await until('all are stored', async () => (await outboxSize()) === 0);
  assert.deepEqual(await stored(), ['first', 'third', 'second']);
  await relay.stop();
});

test('a whole batch of events whose effects fail keeps nobody else waiting', async () => {
  const { relay, outbox } = await startReplica({
    async effect(text) {
      if (text.startsWith('bad')) throw new Error('never works');
    },
  });
  const fail = () => Promise.reject(new Error('never works'));
  for (let index = 0; index < BATCH_ROWS; index += 1) await post(outbox, `bad ${index}`, fail);
  // As after a kill: it stands behind all of them, and in no memory.
  const dead = await startReplica();
  await post(dead.outbox, 'good');
  relay.start();
  await until('the good one is published', async () => (await stored()).length === 1);
  assert.deepEqual(await stored(), ['good']);
  await post(outbox, 'next');
  await until('the next one is published', async () => (await stored()).length === 2);
});

test('what its own process commits is published without a look into the table', async () => {
  const { relay, outbox } = await startReplica({ pollMs: 60_000 });
  relay.start();
  await until('it leads', async () => (await leaders()).length === 1);
  await post(outbox, 'first');
  await until('it is published', async () => (await stored()).length === 1);
  // A row that nobody told it of shows whether it looks.
  await relays.database.db.query({
    name: 'test-untold',
    text: `insert into outbox (event_id, subject, payload, headers)
      select gen_random_uuid(), subject, payload, headers from (values ('post.created', ''::bytea, '{}'::jsonb)) as
      untold (subject, payload, headers)`,
  });
  for (const text of ['second', 'third']) await post(outbox, text);
  await until('all are published', async () => (await stored()).length === 3);
  assert.deepEqual(await stored(), ['first', 'second', 'third']);
  await relay.stop();
  const rows = await relays.database.db.query<{ subject: string }>({
    name: 'test-rows',
    text: 'delete from outbox returning 1',
  });
  assert.equal(rows.length, 1, 'what it published is deleted at the latest when it stops');
});

test('killed after JetStream stored an event and before it was deleted: it comes twice with one id, and none is lost', async () => {
  const { relay, outbox } = await startReplica();
  const heard: { text: string; id: string }[] = [];
  const subscription = relays.bus.admin.connection.subscribe(testEvent.subject, {
    callback: (_, message) => {
      heard.push({
        text: SessionRevoked.decode(message.data).sessionId,
        id: message.headers?.get('Nats-Msg-Id') ?? '',
      });
    },
  });
  await post(outbox, 'first');
  await post(outbox, 'second');
  const child = await startNode({
    args: ['mesh/kit/testing/fixtures/relay.ts'],
    env: { DATABASE_URL: relays.database.url, NATS_URL: relays.bus.server.url() },
  });
  assert.equal(await child.exited, null, child.output());
  assert.equal(await outboxSize(), 2);
  relay.start();
  await until('they are published again', async () => (await outboxSize()) === 0);
  await relay.stop();
  subscription.unsubscribe();
  assert.deepEqual(
    heard.map(({ text }) => text),
    ['first', 'second', 'first', 'second'],
  );
  assert.deepEqual(
    heard.slice(2).map(({ id }) => id),
    heard.slice(0, 2).map(({ id }) => id),
  );
  assert.deepEqual(await stored(), ['first', 'second'], 'JetStream knows the id again');
});

test('while NATS is away events wait, their effects are not repeated, and all are published afterwards', async () => {
  let attempts = 0;
  const { relay, outbox } = await startReplica({
    async effect() {
      attempts += 1;
    },
  });
  relay.start();
  await until('it leads', async () => (await leaders()).length === 1);
  await relays.bus.server.kill();
  await until('the loss is noticed', () => !relays.bus.admin.isConnected());
  const texts = Array.from({ length: 50 }, (_, index) => `n${index}`);
  for (const text of texts) await post(outbox, text, () => Promise.reject(new Error('left to the relay')));
  await until('the effects are done', () => attempts === 50);
  await relays.bus.server.restart();
  await until('all are published', async () => (await outboxSize()) === 0);
  await relay.stop();
  assert.deepEqual(await stored(), texts);
  assert.equal(attempts, 50);
});

test('an event that is not yet due waits', async () => {
  const { relay, outbox } = await startReplica();
  await post(outbox, 'later');
  await post(outbox, 'now');
  await relays.database.db.query({
    name: 'test-delay',
    text: `update outbox set available_at = now() + interval '1 hour' where id = (select min(id) from outbox)`,
  });
  assert.equal(await relay.processAll(), 1);
  assert.deepEqual(await stored(), ['now']);
  await relays.database.db.query({ name: 'test-due', text: 'update outbox set available_at = now()' });
  assert.equal(await relay.processAll(), 1);
  assert.deepEqual(await stored(), ['now', 'later']);
});
