import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EntityName } from '@mikro-orm/core';
import { runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase, type TestSchema } from '#kit/testing/database.ts';

/** What must hold of the schema of every service. */
export function testSchema(schema: TestSchema): void {
  test('migrations go down one by one until nothing is left, and up again', async (t) => {
    const { db, url, close } = await createTestDatabase(schema);
    t.after(close);
    const left = () =>
      db.query<{ name: string }>({
        name: 'test-left',
        // What an index or a sequence of a column leaves goes with its table.
        text: `select relname as name from pg_class where relnamespace = current_schema()::regnamespace
          and relkind in ('r', 'S', 'v', 'm') and relname not like 'migrations%' order by 1`,
      });
    const all = await left();
    assert.ok(all.length > 0);
    const names = schema.migrations.map(({ name }) => name);
    assert.deepEqual(await runMigrations({ ...schema, url }, 'up'), [], 'all of them have run already');
    for (const name of names.toReversed()) {
      assert.deepEqual(await runMigrations({ ...schema, url }, 'down'), [name]);
    }
    assert.deepEqual(await left(), []);
    assert.deepEqual(await runMigrations({ ...schema, url }, 'up'), names);
    assert.deepEqual(await left(), all);
  });

  test('every entity fits its table', async (t) => {
    const { db, close } = await createTestDatabase(schema);
    t.after(close);
    const em = db.fork();
    for (const entity of schema.entities) assert.deepEqual(await em.find(entity as EntityName<object>, {}), []);
  });
}
