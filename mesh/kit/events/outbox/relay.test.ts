import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { systemClock } from '#kit/clock.ts';
import { createEffects, effect } from '#kit/events/outbox/effects.ts';
import { createOutbox, insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createRelay, type Relay } from '#kit/events/outbox/relay.ts';
import { BATCH_ROWS } from '#kit/events/outbox/relay-batch.ts';
import { openLink } from '#kit/events/outbox/relay-link.ts';
import { newId } from '#kit/ids.ts';
import { quiet, startBus, type TestBus, testEvent } from '#kit/testing/bus.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '#kit/testing/fixtures/things.ts';
import { startNode } from '#kit/testing/process.ts';
import { until } from '#kit/testing/until.ts';

let database: TestDatabase;
let bus: TestBus;
before(async () => {
  [database, bus] = await Promise.all([createTestDatabase({ entities, migrations }), startBus()]);
});
after(async () => {
  await Promise.all([database.close(), bus.stop()]);
});
const started: Relay[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((relay) => relay.stop()));
});
beforeEach(async () => {
  const manager = await jetstreamManager(bus.admin.connection);
  await manager.streams.purge('EVENTS');
  await database.db.query({ name: 'test-empty', text: 'delete from outbox' });
});

interface Replica {
  relay: Relay;
  outbox: Outbox;
  /** Texts of the events whose effect the relay repeated. */
  repeated: string[];
}

/** What one replica of a service has: an outbox and a relay. */
async function startReplica(
  options: { pollMs?: number; effect?: (text: string) => Promise<void> } = {},
): Promise<Replica> {
  const repeated: string[] = [];
  const repeat = effect(testEvent, async ({ sessionId }) => {
    await options.effect?.(sessionId);
    repeated.push(sessionId);
  });
  const effects = createEffects([repeat], quiet);
  const publisher = createPublisher({ nats: bus.admin, source: 'test', logger: quiet, timeoutMs: 10_000 });
  const relay = createRelay({
    databaseUrl: database.url,
    db: database.db,
    publisher,
    effects,
    logger: quiet,
    pollMs: options.pollMs ?? 50,
  });
  started.push(relay);
  return { relay, outbox: createOutbox({ effects, relay, clock: systemClock }), repeated };
}

/** Writes an event as a request does. @param effect what the request does itself */
function post(outbox: Outbox, text: string, effect: () => Promise<unknown> = async () => undefined): Promise<void> {
  return outbox.commit(
    [],
    (add) =>
      database.db.transaction(async (tx) => {
        const payload = { sessionId: text, userId: '' };
        await insertEvent(tx, add(outbox.row(testEvent, payload, { requestId: `request-${text}` })));
      }),
    effect,
  );
}

async function outboxSize(): Promise<number> {
  const rows = await database.db.query({ name: 'test-outbox-size', text: 'select 1 from outbox' });
  return rows.length;
}

/** Texts of the events that JetStream has stored, in order. */
async function stored(): Promise<string[]> {
  const manager = await jetstreamManager(bus.admin.connection);
  const { state } = await manager.streams.info('EVENTS');
  const texts: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage('EVENTS', { seq });
    if (message !== null) texts.push(SessionRevoked.decode(message.data).sessionId);
  }
  return texts;
}

/** Backend process ids of the relays that hold the lock. */
async function leaders(): Promise<number[]> {
  const rows = await database.db.query<{ pid: number }>({
    name: 'test-leaders',
    text: `select pid from pg_locks
      where relation = 'relay_lock'::regclass and mode = 'ExclusiveLock' and granted`,
  });
  return rows.map(({ pid }) => pid);
}

test('publishes what was committed, in order, and nothing that was rolled back', async () => {
  const { relay, outbox, repeated } = await startReplica();
  const texts = Array.from({ length: 600 }, (_, index) => `n${index}`);
  for (const text of texts.slice(0, 300)) await post(outbox, text);
  await assert.rejects(
    outbox.commit(
      [],
      (add) =>
        database.db.transaction(async (tx) => {
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
  await database.db.query({
    name: 'test-untold',
    text: `insert into outbox (event_id, subject, payload, headers)
      select gen_random_uuid(), subject, payload, headers from (values ('post.created', ''::bytea, '{}'::jsonb)) as
      untold (subject, payload, headers)`,
  });
  for (const text of ['second', 'third']) await post(outbox, text);
  await until('all are published', async () => (await stored()).length === 3);
  assert.deepEqual(await stored(), ['first', 'second', 'third']);
  await relay.stop();
  const rows = await database.db.query<{ subject: string }>({
    name: 'test-rows',
    text: 'delete from outbox returning 1',
  });
  assert.equal(rows.length, 1, 'what it published is deleted at the latest when it stops');
});

test('one of two leads, and the other takes over when its connection dies', async () => {
  const [one, two] = [await startReplica(), await startReplica()];
  one.relay.start();
  await until('one leads', async () => (await leaders()).length === 1);
  const [firstLeader] = await leaders();
  two.relay.start();
  const written: string[] = [];
  const write = async (replica: Replica, text: string) => {
    written.push(text);
    await post(replica.outbox, text);
  };
  await write(one, 'by the leader');
  await write(two, 'by the other');
  await until('both are published', async () => (await outboxSize()) === 0);

  await database.db.query({ name: 'test-terminate', text: 'select pg_terminate_backend($1)' }, [firstLeader]);
  for (let index = 0; index < 20; index += 1) await write(index % 2 ? one : two, `during the change ${index}`);
  await until('another leads', async () => {
    const [leader] = await leaders();
    return leader !== undefined && leader !== firstLeader;
  });
  await until('all are published', async () => (await outboxSize()) === 0);
  // What one of them wrote may overtake what the other wrote at the same moment.
  assert.deepEqual((await stored()).toSorted(), written.toSorted());

  await Promise.all([one.relay.stop(), two.relay.stop()]);
  assert.deepEqual(await leaders(), [], 'the lock is given back');
});

test('the leader loses the other of its connections, leads again, and nothing is lost', async () => {
  const { relay, outbox } = await startReplica();
  relay.start();
  await until('it leads', async () => (await leaders()).length === 1);
  const [firstLeader] = await leaders();
  const terminate = {
    name: 'test-terminate-link',
    text: `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'oxo-relay' and datname = current_database() and pid <> $1`,
  };
  await until('it has another', async () => (await database.db.query(terminate, [firstLeader])).length === 1);
  await post(outbox, 'afterwards');
  await until('it is published', async () => (await outboxSize()) === 0);
  await until('it leads by new connections', async () => {
    const [leader] = await leaders();
    return leader !== undefined && leader !== firstLeader;
  });
  assert.deepEqual(await stored(), ['afterwards']);
});

test('another role of the database can neither take the lock nor keep a relay from leading', async () => {
  const role = `intruder_${newId(Date.now()).replaceAll('-', '_')}`;
  await database.db.query({ name: 'test-role', text: `create role ${role} login password 'intruder'` });
  const intruder = new pg.Client(Object.assign(new URL(database.url), { username: role, password: 'intruder' }).href);
  await intruder.connect();
  try {
    for (const mode of ['access share', 'exclusive', 'access exclusive']) {
      await assert.rejects(intruder.query(`begin; lock table relay_lock in ${mode} mode`), { code: '42501' });
      await intruder.query('rollback');
    }
    await assert.rejects(intruder.query('select name from relay_channel'), { code: '42501' });
    const [channel] = await database.db.query<{ name: string }>({
      name: 'test-channel',
      text: 'select name from relay_channel',
    });
    assert.match(channel?.name ?? '', /^outbox_[0-9a-f-]{36}$/, 'nobody guesses it');
    // Numbers of advisory locks belong to all roles.
    await intruder.query("select pg_advisory_lock(hashtext('outbox-relay:' || current_schema()))");
    const { relay, outbox } = await startReplica();
    relay.start();
    await post(outbox, 'text');
    await until('it is published', async () => (await outboxSize()) === 0);
    assert.deepEqual(await stored(), ['text']);
  } finally {
    await intruder.end();
    await database.db.query({ name: 'test-drop-role', text: `drop role ${role}` });
  }
});

test('to lead holds back no vacuum: the transaction of the lock has neither an id nor a snapshot', async () => {
  const [leading, waiting] = [await startReplica(), await startReplica()];
  leading.relay.start();
  await until('one leads', async () => (await leaders()).length === 1);
  waiting.relay.start();
  await post(leading.outbox, 'text');
  await until('it is published', async () => (await outboxSize()) === 0);
  const sessions = await database.db.query<{ state: string; holds: boolean }>(
    {
      name: 'test-lock-session',
      text: `select state, backend_xid is not null or backend_xmin is not null as holds from pg_stat_activity where pid = $1`,
    },
    await leaders(),
  );
  assert.deepEqual(sessions, [{ state: 'idle in transaction', holds: false }]);
});

test('what the relay deletes waits for no disk; what requests commit does as the server says', async () => {
  const setting = "select setting, source from pg_settings where name = 'synchronous_commit'";
  const link = await openLink(database.url, () => undefined);
  try {
    assert.deepEqual((await link.client.query(setting)).rows, [{ setting: 'off', source: 'client' }]);
    const requests = await database.db.query<{ source: string }>({ name: 'test-sync', text: setting });
    assert.notEqual(requests[0]?.source, 'client');
  } finally {
    await link.client.end();
  }
});

test('a replica that does not lead tells the leader', async () => {
  const slowPoll = { pollMs: 60_000 };
  const [leading, other] = [await startReplica(slowPoll), await startReplica(slowPoll)];
  leading.relay.start();
  await until('one leads', async () => (await leaders()).length === 1);
  await post(leading.outbox, 'own');
  await until('it is published', async () => (await stored()).length === 1);
  await post(other.outbox, 'of the other');
  await until('it is published too', async () => (await stored()).length === 2);
  await leading.relay.stop();
  await other.relay.stop();
});

test('killed after JetStream stored an event and before it was deleted: it comes twice with one id, and none is lost', async () => {
  const { relay, outbox } = await startReplica();
  const heard: { text: string; id: string }[] = [];
  const subscription = bus.admin.connection.subscribe(testEvent.subject, {
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
    env: { DATABASE_URL: database.url, NATS_URL: bus.server.url() },
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
  await bus.server.kill();
  await until('the loss is noticed', () => !bus.admin.isConnected());
  const texts = Array.from({ length: 50 }, (_, index) => `n${index}`);
  for (const text of texts) await post(outbox, text, () => Promise.reject(new Error('left to the relay')));
  await until('the effects are done', () => attempts === 50);
  await bus.server.restart();
  await until('all are published', async () => (await outboxSize()) === 0);
  await relay.stop();
  assert.deepEqual(await stored(), texts);
  assert.equal(attempts, 50);
});

test('an event that is not yet due waits', async () => {
  const { relay, outbox } = await startReplica();
  await post(outbox, 'later');
  await post(outbox, 'now');
  await database.db.query({
    name: 'test-delay',
    text: `update outbox set available_at = now() + interval '1 hour' where id = (select min(id) from outbox)`,
  });
  assert.equal(await relay.processAll(), 1);
  assert.deepEqual(await stored(), ['now']);
  await database.db.query({ name: 'test-due', text: 'update outbox set available_at = now()' });
  assert.equal(await relay.processAll(), 1);
  assert.deepEqual(await stored(), ['now', 'later']);
});
