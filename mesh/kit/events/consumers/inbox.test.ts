import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Migration } from '@mikro-orm/migrations';
import { systemClock } from '#kit/clock.ts';
import { claimEvent, cleanInbox, inboxTableV1 } from '#kit/events/consumers/inbox.ts';
import { newId } from '#kit/ids.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';

class CreateInbox extends Migration {
  override up(): void {
    this.addSql(inboxTableV1);
  }
}

async function setUp(t: test.TestContext): Promise<TestDatabase> {
  const database = await createTestDatabase({ entities: [], migrations: [{ name: 'inbox', class: CreateInbox }] });
  t.after(database.close);
  return database;
}

test('an event is claimed once a consumer, and again when the transaction failed', async (t) => {
  const { db } = await setUp(t);
  const id = newId(systemClock.nowMs());
  const failing = db.transaction(async (tx) => {
    assert.equal(await claimEvent(tx, 'feed-fanout', id), true);
    throw new Error('roll back');
  });
  await assert.rejects(failing, /roll back/);
  assert.equal(await db.transaction((tx) => claimEvent(tx, 'feed-fanout', id)), true);
  assert.equal(await db.transaction((tx) => claimEvent(tx, 'feed-fanout', id)), false);
  assert.equal(await db.transaction((tx) => claimEvent(tx, 'feed-follows', id)), true);
});

test('of two deliveries at the same time one claims', async (t) => {
  const { db } = await setUp(t);
  const id = newId(systemClock.nowMs());
  const claims = await Promise.all([1, 2, 3].map(() => db.transaction((tx) => claimEvent(tx, 'feed-fanout', id))));
  assert.equal(claims.filter(Boolean).length, 1);
});

test('cleaning removes what the stream can no longer deliver', async (t) => {
  const { db } = await setUp(t);
  const ids = [newId(systemClock.nowMs()), newId(systemClock.nowMs())];
  for (const id of ids) await claimEvent(db, 'feed-fanout', id);
  const age = {
    name: 'age',
    text: 'update inbox set handled_at = now() - make_interval(days => 15, mins => 1) where event_id = $1',
  };
  await db.query(age, [ids[0]]);
  assert.equal(await cleanInbox(db), 1);
  assert.equal(await cleanInbox(db), 0);
  assert.equal(await claimEvent(db, 'feed-fanout', ids[1] ?? ''), false);
});
