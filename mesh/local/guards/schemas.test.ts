/** The tables of every service: what its entities say is what its migrations make, and each migration can be taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase, type TestDatabase, type TestSchema } from '#kit/testing/database.ts';
import { services } from '../services.ts';

/** Everything that a migration can make, in words, without the table in which migrations are remembered. */
const CATALOGUE = {
  name: 'test-catalogue',
  text: `with relations as (
      select oid, relname, relkind, reloptions from pg_class
      where relnamespace = current_schema()::regnamespace and relname not like 'migrations%')
    select concat_ws(' ', 'relation', relname, relkind, reloptions) as line from relations
    union all select concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull,
        attidentity, attgenerated, pg_get_expr(adbin, adrelid))
      from relations join pg_attribute on attrelid = relations.oid left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where attnum > 0 and not attisdropped and relkind <> 'i'
    union all select concat_ws(' ', 'index', pg_get_indexdef(indexrelid), indisvalid)
      from relations join pg_index on indexrelid = relations.oid
    union all select concat_ws(' ', 'constraint', relname, conname, pg_get_constraintdef(pg_constraint.oid), convalidated)
      from relations join pg_constraint on conrelid = relations.oid
    union all select concat_ws(' ', 'trigger', pg_get_triggerdef(pg_trigger.oid))
      from relations join pg_trigger on tgrelid = relations.oid where not tgisinternal
    union all select concat_ws(' ', 'function', pg_get_functiondef(oid))
      from pg_proc where pronamespace = current_schema()::regnamespace and prokind = 'f'
    union all select concat_ws(' ', 'type', typname, typtype)
      from pg_type where typnamespace = current_schema()::regnamespace and typtype in ('d', 'e')
    order by 1`,
};

const COLUMNS = {
  name: 'test-columns',
  text: `select attname as name, format_type(atttypid, atttypmod) as type, not attnotnull as nullable,
      coalesce(attnum = any (indkey), false) as "primary"
    from pg_attribute left join pg_index on indrelid = attrelid and indisprimary
    where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attname`,
};
/** Tables; views that are only held as locks are none. */
const TABLES = {
  name: 'test-tables',
  text: `select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname not like 'migrations%'
    order by relname`,
};
/** What the kit makes and alone reads and writes, by its own statements. */
const OF_KIT = ['outbox', 'relay_channel', 'idempotency_keys', 'inbox'];
/** Postgres's own name of a type. */
const TYPE = { name: 'test-type', text: 'select format_type($1::regtype, null) as type' };

type Column = { readonly name: string; readonly type: string; readonly nullable: boolean; readonly primary: boolean };

async function catalogue({ db }: TestDatabase): Promise<string[]> {
  return (await db.query<{ line: string }>(CATALOGUE)).map(({ line }) => line);
}

/** The columns that the entities say, by table. */
async function columnsOfEntities({ db }: TestDatabase): Promise<Map<string, Column[]>> {
  const tables = new Map<string, Column[]>();
  await db.transaction(async ({ em, query }) => {
    for (const { tableName, props, indexes, uniques } of em.getMetadata().getAll().values()) {
      assert.deepEqual([...indexes, ...uniques], [], `${tableName}: indexes are said by migrations alone`);
      const columns: Column[] = [];
      for (const { fieldNames, columnTypes, nullable = false, primary = false } of props) {
        const [known] = await query<{ type: string }>(TYPE, [columnTypes[0]]);
        columns.push({ name: fieldNames[0] ?? assert.fail(), type: known?.type ?? assert.fail(), nullable, primary });
      }
      tables.set(
        tableName,
        columns.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      );
    }
  });
  return tables;
}

for (const { name } of services.filter(({ migrate }) => migrate !== undefined)) {
  const open = async (): Promise<{ schema: TestSchema; database: TestDatabase }> => {
    const { entities, migrations }: TestSchema = await import(`../../../services/${name}/schema.ts`);
    const schema = { entities, migrations };
    return { schema, database: await createTestDatabase({ ...schema, migrations: [] }) };
  };

  test(`${name}: each migration leaves nothing behind when it is taken back, and makes the same again`, async (t) => {
    const { schema, database } = await open();
    t.after(database.close);
    for (const [index, { name: migration }] of schema.migrations.entries()) {
      const options = { ...schema, url: database.url, migrations: schema.migrations.slice(0, index + 1) };
      const before = await catalogue(database);
      assert.deepEqual(await runMigrations(options, 'up'), [migration]);
      const after = await catalogue(database);
      assert.notDeepEqual(after, before);
      assert.deepEqual(await runMigrations(options, 'down'), [migration]);
      assert.deepEqual(await catalogue(database), before);
      assert.deepEqual(await runMigrations(options, 'up'), [migration]);
      assert.deepEqual(await catalogue(database), after);
    }
  });

  test(`${name}: there is an entity for each table, with its columns`, async (t) => {
    const { schema, database } = await open();
    t.after(database.close);
    await runMigrations({ ...schema, url: database.url }, 'up');
    const tables = await columnsOfEntities(database);
    const made = await database.db.query<{ name: string }>(TABLES);
    const described = made.map((table) => table.name).filter((table) => !OF_KIT.includes(table));
    assert.ok(described.length > 0);
    assert.deepEqual(
      [...tables.keys()].toSorted(),
      described.toSorted(),
      'each table has an entity, and each entity a table',
    );
    for (const [table, columns] of tables)
      assert.deepEqual(columns, await database.db.query<Column>(COLUMNS, [table]), table);
  });
}
