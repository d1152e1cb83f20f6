/** The tables of every service: what its entities say is what its migrations make, and each migration can be taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NamedMigration, runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { services } from '../services.ts';

/** What stands in services/<name>/schema.ts. */
type Schema = {
  readonly entities: Parameters<typeof createTestDatabase>[0]['entities'];
  readonly migrations: NamedMigration[];
};

const TABLES = {
  name: 'test-tables',
  text: "select tablename as name from pg_tables where schemaname = current_schema() and tablename <> 'migrations'",
};

for (const { name } of services.filter(({ migrate }) => migrate !== undefined)) {
  test(`${name}: migrations go down and up again, and the entities fit their tables`, async (t) => {
    const { entities, migrations }: Schema = await import(`../../../services/${name}/schema.ts`);
    const database = await createTestDatabase({ entities, migrations });
    t.after(database.close);
    const options = { url: database.url, entities, migrations };
    for (const _ of migrations) await runMigrations(options, 'down');
    assert.deepEqual(await database.db.query(TABLES), []);
    await runMigrations(options, 'up');
    await database.db.transaction(async ({ em }) => {
      for (const { class: entity } of em.getMetadata().getAll().values())
        assert.deepEqual(await em.find(entity, {}), []);
    });
  });
}
