import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata } from 'nice-grpc-common';
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { DAY_MS, HOUR_MS, systemClock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { createIdempotency, type Idempotency } from '#kit/db/idempotency.ts';
import type { OxoError } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { COUNT_THINGS, entities, INSERT_THING, migrations } from '#kit/testing/fixtures/things.ts';
import { refused } from '#kit/testing/refused.ts';
import { truncate } from '#kit/testing/truncate.ts';

const ANN = newId(1);
const BOB = newId(2);
let database: TestDatabase;
let idempotency: Idempotency;
let nowMs: number;
before(async () => {
  database = await createTestDatabase({ entities, migrations });
  idempotency = createIdempotency(database.db, { nowMs: () => nowMs });
});
after(() => database.close());
beforeEach(async () => {
  nowMs = systemClock.nowMs();
  await truncate(database.db, 'things', 'idempotency_keys');
});

function contextOf(userId: string, key: string | undefined, rpc = '/a.B/C'): CallContext {
  const metadata = Metadata();
  if (key !== undefined) metadata.set('idempotency-key', key);
  const caller = { kind: 'user', userId, sessionId: '', clientId: '', scopes: new Set(), token: '' };
  // Of a call's context this needs no more.
  return { metadata, caller, rpc } as unknown as CallContext;
}

/** A request that makes a thing; the answer names it. */
function make(
  context: CallContext,
  text = 'body',
  during: (db: Queryable) => Promise<unknown> = async () => undefined,
) {
  return idempotency.run({
    context,
    request: { sessionId: text, userId: '' },
    requestType: SessionRevoked,
    responseType: SessionRevoked,
    async work(db) {
      const id = newId(nowMs);
      await db.query(INSERT_THING, [id, text, nowMs]);
      await during(db);
      return { sessionId: id, userId: text };
    },
  });
}

async function things(): Promise<number | undefined> {
  return (await database.db.query<{ count: number }>(COUNT_THINGS))[0]?.count;
}

test('without a key every call does the work', async () => {
  const first = await make(contextOf(ANN, undefined));
  const second = await make(contextOf(ANN, undefined));
  assert.notEqual(first.response.sessionId, second.response.sessionId);
  assert.equal(await things(), 2);
});

test('the same key and body again gets the first answer', async () => {
  const first = await make(contextOf(ANN, 'key'));
  const again = await make(contextOf(ANN, 'key'));
  assert.deepEqual(again, { response: first.response, replayed: true });
  assert.equal(await things(), 1);
});

test('a key belongs to one caller and one RPC', async () => {
  await make(contextOf(ANN, 'key'));
  assert.equal((await make(contextOf(BOB, 'key'))).replayed, false);
  assert.equal((await make(contextOf(ANN, 'key', '/a.B/D'))).replayed, false);
  assert.equal(await things(), 3);
});

test('another body is refused', async () => {
  await make(contextOf(ANN, 'key'));
  await assert.rejects(make(contextOf(ANN, 'key'), 'other'), refused('IDEMPOTENCY_KEY_REUSED'));
  assert.equal(await things(), 1);
});

test('a twin that comes while the first runs is told to try again, and then gets its answer', async () => {
  const isRunning = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const first = make(contextOf(ANN, 'key'), 'body', () => {
    isRunning.resolve();
    return mayEnd.promise;
  });
  await isRunning.promise;
  await assert.rejects(make(contextOf(ANN, 'key')), (error: OxoError) => {
    refused('IDEMPOTENCY_KEY_IN_USE')(error);
    assert.notEqual(error.retryAfterMs, undefined);
    return true;
  });
  mayEnd.resolve();
  const { response } = await first;
  assert.deepEqual(await make(contextOf(ANN, 'key')), { response, replayed: true });
  assert.equal(await things(), 1);
});

test('of many twins at once one does the work', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => make(contextOf(ANN, 'key'))));
  assert.equal(await things(), 1);
  const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  assert.equal(new Set(answers.map(({ response }) => response.sessionId)).size, 1);
  assert.equal(answers.filter(({ replayed }) => !replayed).length, 1);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') refused('IDEMPOTENCY_KEY_IN_USE')(outcome.reason);
  }
});

test('work that fails keeps nothing, so the key can be used again', async () => {
  await assert.rejects(
    make(contextOf(ANN, 'key'), 'body', () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await things(), 0);
  assert.equal((await make(contextOf(ANN, 'key'))).replayed, false);
  assert.equal(await things(), 1);
});

test('a key is forgotten after 24 hours, cleaned up or not', async () => {
  await make(contextOf(ANN, 'old'));
  nowMs += DAY_MS - HOUR_MS;
  await make(contextOf(ANN, 'new'));
  assert.equal((await make(contextOf(ANN, 'old'))).replayed, true);
  nowMs += HOUR_MS + 1;
  assert.equal((await make(contextOf(ANN, 'old'), 'other')).replayed, false);
  assert.equal(await things(), 3);
  nowMs += DAY_MS - HOUR_MS;
  assert.equal(await idempotency.cleanUp(), 1);
  assert.equal((await make(contextOf(ANN, 'old'), 'other')).replayed, true);
});

test('clean-up takes all that is old, however much', async () => {
  await database.db.query(
    {
      name: 'test-many-keys',
      text: `insert into idempotency_keys (caller_id, rpc, key, request_hash, response, created_at)
      select $1, 'rpc', n::text, '', '', now() - interval '2 days' from generate_series(1, 12000) n`,
    },
    [ANN],
  );
  assert.equal(await idempotency.cleanUp(), 12_000);
  assert.equal(await idempotency.cleanUp(), 0);
});

test('a key that is empty or too long is refused by name', async () => {
  for (const key of ['', 'k'.repeat(256)]) {
    await assert.rejects(make(contextOf(ANN, key)), refused('VALIDATION_FAILED', 'Idempotency-Key'));
  }
  assert.equal((await make(contextOf(ANN, 'k'.repeat(255)))).replayed, false);
});
