import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Migration } from '@mikro-orm/migrations';
import { type NamedMigration, runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '#kit/testing/fixtures/things.ts';

class AddColour extends Migration {
  override up(): void {
    this.addSql('alter table things add column colour text');
  }

  override down(): void {
    this.addSql('alter table things drop column colour');
  }
}

class Broken extends Migration {
  override up(): void {
    this.addSql('create table half_made (id int)');
    this.addSql('this is no SQL');
  }
}

const withColour: NamedMigration[] = [...migrations, { name: '20260102-colour', class: AddColour }];

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ entities, migrations: [] });
});
after(() => database.close());

async function tables(): Promise<string[]> {
  const rows = await database.db.query<{ name: string }>({
    name: 'test-tables',
    text: `select table_name as name from information_schema.tables where table_schema = current_schema() order by 1`,
  });
  return rows.map(({ name }) => name);
}

const run = (list: NamedMigration[], direction: 'up' | 'down') =>
  runMigrations({ url: database.url, entities, migrations: list }, direction);

test('up, up again, down one by one, and up again', async () => {
  assert.deepEqual(await run(withColour, 'up'), ['20260101-initial', '20260102-colour']);
  assert.deepEqual(await tables(), ['idempotency_keys', 'migrations', 'outbox', 'things']);
  assert.deepEqual(await run(withColour, 'up'), []);
  assert.deepEqual(await run(withColour, 'down'), ['20260102-colour']);
  assert.deepEqual(await run(withColour, 'down'), ['20260101-initial']);
  assert.deepEqual(await tables(), ['migrations']);
  assert.deepEqual(await run(withColour, 'down'), []);
  assert.deepEqual(await run(migrations, 'up'), ['20260101-initial']);
  assert.deepEqual(await run(withColour, 'up'), ['20260102-colour']);
  await run(withColour, 'down');
  await run(withColour, 'down');
});

test('several processes at once: one runs them, the others find them done', async () => {
  const results = await Promise.all([1, 2, 3].map(() => run(withColour, 'up')));
  assert.deepEqual(results.map((names) => names.length).sort(), [0, 0, 2]);
  await run(withColour, 'down');
  await run(withColour, 'down');
});

test('one that fails leaves nothing behind, of those before it in the same run either', async () => {
  await assert.rejects(run([...migrations, { name: '20260103-broken', class: Broken }], 'up'), /syntax error/);
  assert.deepEqual(await tables(), ['migrations']);
  assert.deepEqual(await run(migrations, 'up'), ['20260101-initial']);
});
