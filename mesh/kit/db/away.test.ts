import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { databaseError } from '#kit/db/away.ts';
import { openDatabase } from '#kit/db/database.ts';
import { hasReason, OxoError } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { COUNT_THINGS, entities, INSERT_THING, migrations, ThingEntity } from '#kit/testing/fixtures/things.ts';
import { freePort } from '#kit/testing/ports.ts';
import { until } from '#kit/testing/until.ts';

const isUnavailable = (error: unknown): boolean => hasReason(error, 'UNAVAILABLE');
const sleep = { name: 'test-sleep', text: 'select pg_sleep(20)' };

/** Connections that sleep for a test: as many as there are sleepers. */
const SLEEPING = {
  name: 'test-sleeping',
  text: "select pid from pg_stat_activity where state = 'active' and query like 'select pg_sleep%' and pid <> pg_backend_pid()",
};
const CUT = { name: 'test-cut', text: 'select pg_terminate_backend(pid) from unnest($1::int[]) as pid' };

test('a connection that is cut in the middle of a statement is UNAVAILABLE', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  t.after(() => database.close());
  const { db } = database;
  const sleepers = [db.query(sleep), db.transaction((tx) => tx.query(sleep))];
  const outcomes = Promise.allSettled(sleepers);
  const pids = await until('both sleep', async () => {
    const rows = await db.query<{ pid: number }>(SLEEPING);
    return rows.length === sleepers.length && rows.map(({ pid }) => pid);
  });
  await db.query(CUT, [pids]);
  for (const outcome of await outcomes) assert.ok(outcome.status === 'rejected' && isUnavailable(outcome.reason));
});

test('connections that were lost in transactions are replaced, more of them than the pool holds', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  const db = await openDatabase({ url: database.url, poolSize: 2, entities });
  t.after(async () => {
    await db.close();
    await database.close();
  });
  for (let time = 0; time < 3; time += 1) {
    const outcomes = Promise.allSettled([1, 2].map(() => db.transaction((tx) => tx.query(sleep))));
    const pids = await until('both sleep', async () => {
      const rows = await database.db.query<{ pid: number }>(SLEEPING);
      return rows.length === 2 && rows.map(({ pid }) => pid);
    });
    await database.db.query(CUT, [pids]);
    for (const { status } of await outcomes) assert.equal(status, 'rejected');
  }
  await db.transaction((tx) => tx.query({ name: 'test-one', text: 'select 1' }));
});

test('statements do not wait for a connection without end: what is too much is UNAVAILABLE at once', async (t) => {
  const database = await createTestDatabase({ entities, migrations }, 1);
  t.after(() => database.close());
  const { db } = database;
  const one = { name: 'test-one', text: 'select 1 as one' };
  const outcomes = await Promise.allSettled(Array.from({ length: 400 }, () => db.query<{ one: number }>(one)));
  const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  assert.ok(refusals.length > 100 && refusals.length < 200, `${refusals.length}`);
  assert.ok(refusals.every(isUnavailable));
  const waiting = Array.from({ length: 300 }, () => db.query(one).catch(() => undefined));
  await assert.rejects(
    db.transaction(() => assert.fail('it must not begin')),
    isUnavailable,
  );
  await Promise.all(waiting);
  assert.deepEqual(await db.query(one), [{ one: 1 }]);
});

test('a server that cannot be reached is UNAVAILABLE', async () => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: await freePort() });
  await assert.rejects(pool.query('select 1'), (error) => isUnavailable(databaseError(error)));
  await pool.end();
});

test('a server that does not let us in any more is UNAVAILABLE, and to be tried again', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  const role = `test_${newId(1).slice(-12)}`;
  const run = (text: string) => database.db.query({ name: `test ${text}`.slice(0, 63), text });
  await run(`create role ${role} login password 'first'`);
  const url = Object.assign(new URL(database.url), { username: role, password: 'first' }).href;
  const db = await openDatabase({ url, poolSize: 1, entities, metrics: createMetrics() });
  t.after(async () => {
    await db.close();
    await run(`drop role ${role}`);
    await database.close();
  });
  const one = { name: 'test-one', text: 'select 1 as one' };
  assert.deepEqual(await db.query(one), [{ one: 1 }]);
  // With another password, and then not at all.
  for (const change of [`password 'second'`, 'nologin']) {
    await run(`alter role ${role} ${change}`);
    await run(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
    await until('it is not let in', async () => {
      const error = await db.query(one).then(
        () => assert.fail('it is let in'),
        (reason: OxoError) => reason,
      );
      assert.ok(isUnavailable(error) && error.retryAfterMs && !error.message.includes(role), String(error));
      return /^28/.test((error.cause as { code?: string }).code ?? '');
    });
    await assert.rejects(
      db.transaction(() => assert.fail('it must not begin')),
      isUnavailable,
    );
  }
});

test('each class of not being able to connect is UNAVAILABLE', () => {
  for (const code of ['08000', '08003', '08006', '08P01', '28000', '28P01', '53300', '57P01', '57P03'])
    assert.ok(isUnavailable(databaseError(Object.assign(new Error('no'), { code }))), code);
});

test('what the server refuses, and what we refuse ourselves, stays as it is', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  t.after(() => database.close());
  await assert.rejects(database.db.query({ name: 'test-wrong', text: 'select nothing from nowhere' }), {
    code: '42P01',
  });
  const refusal = new OxoError('POST_NOT_FOUND', 'gone', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) });
  await assert.rejects(
    database.db.transaction(() => Promise.reject(refusal)),
    (error) => error === refusal,
  );
  assert.equal(databaseError(refusal), refusal);
  assert.equal(databaseError('text'), 'text');
});

test('a full disk is UNAVAILABLE and to be tried again; what was acknowledged stays, and it goes on with space again', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  t.after(() => database.close());
  const { db } = database;
  const insert = () => [newId(1), 'thing', 1];
  const run = (text: string) => db.query({ name: `test-${text.slice(0, 24)}`, text });
  await db.query(INSERT_THING, insert());
  await run(`create function no_space() returns trigger language plpgsql as
    $$ begin raise 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`);
  await run('create trigger no_space before insert on things execute function no_space()');
  for (const write of [
    () => db.query(INSERT_THING, insert()),
    () => db.transaction((tx) => tx.query(INSERT_THING, insert())),
    () => db.transaction(async ({ em }) => void em.create(ThingEntity, { id: newId(1), name: '', atMs: 1 })),
  ]) {
    await assert.rejects(write, (error) => {
      assert.ok(isUnavailable(error), String(error));
      assert.ok((error as OxoError).retryAfterMs);
      return true;
    });
  }
  await run('drop trigger no_space on things');
  await db.query(INSERT_THING, insert());
  assert.deepEqual(await db.query(COUNT_THINGS), [{ count: 2 }]);
});
