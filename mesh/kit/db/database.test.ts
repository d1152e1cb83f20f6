import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { LockMode } from '@mikro-orm/core';
import { openDatabase } from '#kit/db/database.ts';
import { insertEvent } from '#kit/events/outbox/outbox.ts';
import { newId } from '#kit/ids.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { COUNT_THINGS, entities, INSERT_THING, migrations, ThingEntity } from '#kit/testing/fixtures/things.ts';
import { truncate } from '#kit/testing/truncate.ts';
import { until } from '#kit/testing/until.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ entities, migrations });
});
after(() => database.close());
beforeEach(() => truncate(database.db, 'things', 'outbox'));

async function count(): Promise<number | undefined> {
  return (await database.db.query<{ count: number }>(COUNT_THINGS))[0]?.count;
}

const TYPES = {
  name: 'test-types',
  text: `select 9007199254740991::bigint::float8 as big, 9007199254740991::bigint as raw, true as yes,
    '\\x00ff'::bytea as bytes, '{"a":[1]}'::jsonb as json, '2026-01-02T03:04:05.678Z'::timestamptz as at,
    '0190a0e0-0000-7000-8000-000000000001'::uuid as id, 7::smallint as small, null as nothing,
    array['a','b'] as texts`,
};

test('values come as the types that the code counts on, in and outside a transaction', async () => {
  const outside = await database.db.query(TYPES);
  const inside = await database.db.transaction((tx) => tx.query(TYPES));
  for (const rows of [outside, inside]) {
    const { at, ...row } = rows[0] as Record<string, unknown>;
    assert.deepEqual(row, {
      big: Number.MAX_SAFE_INTEGER,
      // Without a cast a bigint is a text: statements cast to float8 what they want as a number.
      raw: '9007199254740991',
      yes: true,
      bytes: Buffer.from([0, 255]),
      json: { a: [1] },
      id: '0190a0e0-0000-7000-8000-000000000001',
      small: 7,
      nothing: null,
      texts: ['a', 'b'],
    });
    assert.equal(new Date(at as string).toISOString(), '2026-01-02T03:04:05.678Z', 'to the millisecond');
  }
});

test('values go in as they are: texts, bytes, arrays, nothing', async () => {
  const statement = {
    name: 'test-echo',
    text: 'select $1::text as text, $2::bytea as bytes, $3::uuid[] as ids, $4::text as nothing, $5::timestamptz as at',
  };
  const values = [`it's "quoted" \\ ☃`, Buffer.from([1, 0, 2]), [newId(1), newId(2)], null, new Date(1_234)];
  for (const run of [
    database.db.query(statement, values),
    database.db.transaction((tx) => tx.query(statement, values)),
  ]) {
    const [row] = (await run) as Record<string, unknown>[];
    assert.deepEqual([row?.text, row?.bytes, row?.ids, row?.nothing], values.slice(0, 4));
    assert.equal(new Date(row?.at as string).getTime(), 1_234);
  }
});

test('a statement is prepared once a connection', async () => {
  const db = await openDatabase({ url: database.url, poolSize: 1, entities });
  const statement = { name: 'test-prepared', text: 'select $1::int as value' };
  for (let value = 0; value < 3; value += 1) assert.deepEqual(await db.query(statement, [value]), [{ value }]);
  const prepared = await db.query({
    name: 'test-list-prepared',
    text: `select (generic_plans + custom_plans)::int as runs from pg_prepared_statements where name = 'test-prepared'`,
  });
  assert.deepEqual(prepared, [{ runs: 3 }]);
  await db.close();
});

test('a transaction writes all or nothing, its unit of work included', async () => {
  const id = newId(1);
  await assert.rejects(
    database.db.transaction(async (tx) => {
      await tx.query(INSERT_THING, [id, 'statement', 1]);
      tx.em.create(ThingEntity, { id: newId(2), name: 'entity', atMs: 2, note: null });
      await tx.em.flush();
      await insertEvent(tx, { eventId: newId(3), subject: 'a.b', payload: Buffer.from('x'), headers: {} });
      assert.deepEqual(await tx.query(COUNT_THINGS), [{ count: 2 }]);
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal(await count(), 0);
  assert.deepEqual(await database.db.query({ name: 'test-outbox', text: 'select 1 from outbox' }), []);
  // The connection is whole again.
  assert.equal(
    await database.db.transaction(async (tx) => {
      await tx.query(INSERT_THING, [id, 'statement', 1]);
      return 'done';
    }),
    'done',
  );
  assert.equal(await count(), 1);
});

test('a unit of work reads and writes entities, numbers as numbers', async () => {
  const id = newId(1);
  const atMs = 1_764_000_000_123;
  await database.db.query(INSERT_THING, [id, 'old', atMs]);
  await database.db.transaction(async (tx) => {
    const thing = await tx.em.findOneOrFail(ThingEntity, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    assert.deepEqual({ ...thing }, { id, name: 'old', atMs, note: null });
    thing.name = 'new';
    thing.atMs += 1;
  });
  const rows = await database.db.query({ name: 'test-things', text: 'select name, at_ms::float8, note from things' });
  assert.deepEqual(rows, [{ name: 'new', at_ms: atMs + 1, note: null }]);
  await database.db.transaction(async ({ em }) => {
    assert.equal((await em.findOneOrFail(ThingEntity, { id })).atMs, atMs + 1);
  });
});

test('the lock of a row is waited for', async () => {
  const id = newId(1);
  await database.db.query(INSERT_THING, [id, 'a', 1]);
  const isLocked = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const order: string[] = [];
  const lock = { name: 'test-lock', text: 'select 1 from things where id = $1 for update' };
  const first = database.db.transaction(async (tx) => {
    await tx.query(lock, [id]);
    isLocked.resolve();
    await mayEnd.promise;
    order.push('first');
  });
  await isLocked.promise;
  const second = database.db.transaction(async (tx) => {
    await tx.query(lock, [id]);
    order.push('second');
  });
  await until('the second waits', async () => {
    const waiting = await database.db.query({
      name: 'test-waiting',
      text: `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    });
    return waiting.length > 0;
  });
  mayEnd.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first', 'second']);
});

test('a request that gets no connection fails, and a lost connection is replaced', async () => {
  const db = await openDatabase({ url: database.url, poolSize: 1, entities });
  const mayEnd = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const holder = db.transaction(() => {
    isHeld.resolve();
    return mayEnd.promise;
  });
  await isHeld.promise;
  const startedMs = performance.now();
  await assert.rejects(db.ping(), /timeout/);
  assert.ok(performance.now() - startedMs < 5_000);
  mayEnd.resolve();
  await holder;
  const [own] = await db.query<{ pid: number }>({ name: 'test-pid', text: 'select pg_backend_pid() as pid' });
  await database.db.query({ name: 'test-terminate', text: 'select pg_terminate_backend($1)' }, [own?.pid]);
  await until('it answers again', () => db.ping().then(() => true));
  await db.close();
});
