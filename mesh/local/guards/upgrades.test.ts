/**
 * A release is rolled out while the one before it still runs on the same tables, and may be taken back. Here is what the last one wrote
 * and read (`released/`), beside every migration that came since.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase, type TestDatabase, type TestSchema } from '#kit/testing/database.ts';
import { services } from '../services.ts';

const folder = join(import.meta.dirname, 'released');
const released: Readonly<Record<string, string[]>> = JSON.parse(readFileSync(join(folder, 'migrations.json'), 'utf8'));

const TABLES = {
  name: 'test-tables',
  text: `select table_name as "table", string_agg(quote_ident(column_name), ', ' order by column_name) as columns
    from information_schema.columns where table_schema = current_schema() and table_name not like 'migrations%'
    group by table_name order by table_name`,
};

type Table = { readonly table: string; readonly columns: string };

/** All rows of the released tables, in the columns that they had then. */
async function rowsOf({ db }: TestDatabase, tables: readonly Table[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { table, columns } of tables) {
    const text = `select row_to_json(chosen)::text as row from (select ${columns} from ${table}) as chosen order by 1`;
    const rows = await db.query<{ row: string }>({ name: `test-rows-${table}`, text });
    found.set(
      table,
      rows.map(({ row }) => row),
    );
  }
  return found;
}

/** What the old code does, for another person each time. */
async function runOldCode({ url }: TestDatabase, service: string, time: number): Promise<void> {
  const { default: pg } = await import('pg');
  const client = new pg.Client(url);
  await client.connect();
  try {
    // As two digits of an id.
    const digits = time.toString(16).padStart(2, '0');
    await client.query(readFileSync(join(folder, `${service}.sql`), 'utf8').replaceAll('{{n}}', digits));
  } finally {
    await client.end();
  }
}

function requireKept(before: Map<string, string[]>, after: Map<string, string[]>): void {
  for (const [table, rows] of before) {
    const present = new Set(after.get(table));
    assert.deepEqual(
      rows.filter((row) => !present.has(row)),
      [],
      `rows of ${table} were lost or changed`,
    );
  }
}

for (const { name } of services.filter(({ migrate }) => migrate !== undefined)) {
  const old = released[name];
  // A service that is new has nothing to be compatible with.
  if (old === undefined) continue;

  test(`${name}: what the last release writes and reads works beside each newer migration, and survives its return`, async (t) => {
    const { entities, migrations }: TestSchema = await import(`../../../services/${name}/schema.ts`);
    const names = migrations.map((migration) => migration.name);
    assert.deepEqual(names.slice(0, old.length), old, 'what was released neither changes nor moves');
    const database = await createTestDatabase({ entities, migrations: migrations.slice(0, old.length) });
    t.after(database.close);
    const tables = await database.db.query<Table>(TABLES);
    await runOldCode(database, name, 0);
    let before = await rowsOf(database, tables);
    for (const [table, rows] of before) assert.ok(rows.length > 0, `released/${name}.sql writes nothing into ${table}`);

    const states = names.slice(old.length);
    for (const [index, migration] of states.entries()) {
      const known = migrations.slice(0, old.length + index + 1);
      const done: string[] = await runMigrations({ entities, url: database.url, migrations: known }, 'up');
      assert.deepEqual(done, [migration]);
      requireKept(before, await rowsOf(database, tables));
      await runOldCode(database, name, index + 1);
      before = await rowsOf(database, tables);
    }

    await database.db.transaction(async ({ em }) => {
      // The new code reads what the old one wrote.
      for (const { tableName, class: entity } of em.getMetadata().getAll().values()) {
        const rows = before.get(tableName);
        if (rows !== undefined) assert.equal((await em.find(entity, {})).length, rows.length, tableName);
      }
    });

    // The way back begins with the old code's own migrations, and the new tables stay.
    const known = migrations.slice(0, old.length);
    assert.deepEqual(await runMigrations({ entities, url: database.url, migrations: known }, 'up'), []);
    for (const migration of states.toReversed()) {
      const undone: string[] = await runMigrations({ entities, url: database.url, migrations }, 'down');
      assert.deepEqual(undone, [migration]);
      requireKept(before, await rowsOf(database, tables));
    }
    await runOldCode(database, name, states.length + 1);
    await runMigrations({ entities, url: database.url, migrations }, 'up');
    requireKept(before, await rowsOf(database, tables));
  });
}
