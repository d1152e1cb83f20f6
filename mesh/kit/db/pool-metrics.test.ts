import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Database, openDatabase } from '#kit/db/database.ts';
import { createMetrics, type Metrics } from '#kit/observability/metrics.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '#kit/testing/fixtures/things.ts';
import { until } from '#kit/testing/until.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ entities, migrations });
});
after(() => database.close());

const ONE = { name: 'test-one', text: 'select 1' };

async function open(t: test.TestContext): Promise<{ db: Database; metrics: Metrics }> {
  const metrics = createMetrics();
  const db = await openDatabase({ url: database.url, poolSize: 1, entities, metrics });
  t.after(db.close);
  return { db, metrics };
}

/** The values of the pool, but for the buckets. */
async function read(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.render()).matchAll(/^oxo_db_pool_(\S+) (\S+)$/gm);
  return Object.fromEntries(
    [...lines].flatMap(([, name = '', value]) => (name.includes('bucket') ? [] : [[name, Number(value)]])),
  );
}

test('tells of connections, of who waits for one, and how long that took', async (t) => {
  const { db, metrics } = await open(t);
  const mayEnd = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const holder = db.transaction(async (tx) => {
    await tx.query(ONE);
    isHeld.resolve();
    await mayEnd.promise;
  });
  await isHeld.promise;
  const waiter = db.query(ONE);
  await until('one waits', async () => (await read(metrics)).waiting === 1);
  const held = await read(metrics);
  assert.deepEqual([held['connections{state="used"}'], held['connections{state="idle"}']], [1, 0]);
  mayEnd.resolve();
  await Promise.all([holder, waiter]);
  await until('the connection is back', async () => (await read(metrics))['connections{state="idle"}'] === 1);
  const afterwards = await read(metrics);
  assert.equal(afterwards.waiting, 0);
  assert.equal(afterwards.wait_seconds_count, 2);
  const waited = afterwards.wait_seconds_sum ?? 0;
  assert.ok(waited > 0);
  // One that is there at once is counted, and has not waited.
  await db.query(ONE);
  const { wait_seconds_count: count, wait_seconds_sum: sum } = await read(metrics);
  assert.deepEqual([count, sum], [3, waited]);
});
