import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Queryable } from '#kit/db/database.ts';
import { insertEvents, type OutboxRow } from '#kit/events/outbox/outbox.ts';
import { measureOutbox } from '#kit/events/outbox/outbox-metrics.ts';
import { newId } from '#kit/ids.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '#kit/testing/fixtures/things.ts';

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ entities, migrations });
});
after(() => database.close());

const row = (id: number): OutboxRow => ({
  ...{ eventId: newId(id), subject: 'a.b', payload: Buffer.from('x'), headers: {} },
});

test('tells how many events wait, how long the oldest does, and how many were published', async () => {
  const { db } = database;
  const metrics = createMetrics();
  const { onPublished } = measureOutbox(metrics, db);
  const empty = await metrics.render();
  assert.match(empty, /^oxo_outbox_waiting 0$/m);
  assert.match(empty, /^oxo_outbox_age_seconds 0$/m);
  assert.match(empty, /^oxo_outbox_published_total 0$/m);

  await db.transaction((tx) => insertEvents(tx, [row(1), row(2)]));
  await db.query({
    name: 'test-age',
    text: `update outbox set created_at = now() - interval '90 seconds' where id = (select min(id) from outbox)`,
  });
  onPublished(3);
  const text = await metrics.render();
  assert.match(text, /^oxo_outbox_waiting 2$/m);
  const age = Number(/^oxo_outbox_age_seconds (\S+)$/m.exec(text)?.[1]);
  assert.ok(age >= 90, `${age}`);
  assert.match(text, /^oxo_outbox_published_total 3$/m);
});

test('tells nothing of an outbox that cannot be read: not before it was, and not for long after', async () => {
  const metrics = createMetrics();
  let nowMs = 1_000_000;
  let rows: (() => Promise<unknown[]>) | undefined;
  let asked = 0;
  const away = async (): Promise<never> => {
    throw new Error('away');
  };
  const query = (async () => {
    asked += 1;
    return (rows ?? away)();
  }) as Queryable['query'];
  measureOutbox(metrics, { query }, { nowMs: () => nowMs });
  const told = async (): Promise<string[]> =>
    (await metrics.render()).split('\n').filter((line) => /^oxo_outbox_(age|waiting)/.test(line));
  assert.deepEqual(await told(), [], 'it was never read');

  rows = async () => [{ waiting: 3, age: 20 }];
  assert.deepEqual(await told(), ['oxo_outbox_age_seconds 20', 'oxo_outbox_waiting 3']);
  rows = undefined;
  nowMs += 30_000;
  assert.equal((await told()).length, 2, 'once or twice it may be slow');
  nowMs += 1;
  assert.deepEqual(await told(), []);

  rows = async () => [{ waiting: 0, age: null }];
  assert.deepEqual(await told(), ['oxo_outbox_age_seconds 0', 'oxo_outbox_waiting 0']);

  // Postgres hangs: the next scrape does not ask a second time.
  const hanging = Promise.withResolvers<unknown[]>();
  rows = () => hanging.promise;
  asked = 0;
  await Promise.all([told(), told()]);
  assert.equal(asked, 1);
  hanging.resolve([{ waiting: 1, age: 5 }]);
});
