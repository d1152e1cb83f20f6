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

class IndexColour extends Migration {
  override isTransactional(): boolean {
    return false;
  }

  override up(): void {
    this.addSql('create index concurrently things_by_colour on things (colour)');
  }

  override down(): void {
    this.addSql('drop index concurrently things_by_colour');
  }
}

class KeepSettings extends Migration {
  override up(): void {
    this.addSql(`create table settings as select current_setting('statement_timeout') as statement,
      current_setting('lock_timeout') as lock`);
  }

  override down(): void {
    this.addSql('drop table settings');
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
    text: `select table_name as name from information_schema.tables 
      where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1`,
  });
  return rows.map(({ name }) => name);
}

const run = (list: NamedMigration[], direction: 'up' | 'down') =>
  runMigrations({ url: database.url, entities, migrations: list }, direction);

test('up, up again, down one by one, and up again', async () => {
  assert.deepEqual(await run(withColour, 'up'), ['20260101-initial', '20260102-colour']);
  assert.deepEqual(await tables(), ['idempotency_keys', 'migrations', 'outbox', 'relay_channel', 'things']);
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

test('an index is made concurrently while other processes wait for their turn', async () => {
  await run(withColour, 'up');
  const withIndex = [...withColour, { name: '20260104-index', class: IndexColour }];
  const results = await Promise.all([1, 2, 3].map(() => run(withIndex, 'up')));
  assert.deepEqual(results.flat(), ['20260104-index']);
  const indexes = { name: 'test-indexes', text: "select indexname as name from pg_indexes where tablename = 'things'" };
  assert.ok((await database.db.query<{ name: string }>(indexes)).some(({ name }) => name === 'things_by_colour'));
  assert.deepEqual(await run(withIndex, 'down'), ['20260104-index']);
});

test('the limits of requests are not those of migrations: work takes its time, waiting for a table does not', async () => {
  const withSettings = [...withColour, { name: '20260105-settings', class: KeepSettings }];
  assert.deepEqual(await run(withSettings, 'up'), ['20260105-settings']);
  const settings = { name: 'test-settings', text: 'select statement, lock from settings' };
  assert.deepEqual(await database.db.query(settings), [{ statement: '0', lock: '5s' }]);
});
