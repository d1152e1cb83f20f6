/** The tables of every service: what its entities say is what its migrations make, and each migration can be taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase, type TestSchema } from '#kit/testing/database.ts';
import { services } from '../services.ts';

/** What an index leaves goes with its table. */
const RELATIONS = {
  name: 'test-relations',
  text: `select relname as name from pg_class where relnamespace = current_schema()::regnamespace
    and relkind in ('r', 'S', 'v', 'm') and relname not like 'migrations%' order by 1`,
};

for (const { name } of services.filter(({ migrate }) => migrate !== undefined)) {
  test(`${name}: migrations go down and up again, and the entities fit their tables`, async (t) => {
    const { entities, migrations }: TestSchema = await import(`../../../services/${name}/schema.ts`);
    const database = await createTestDatabase({ entities, migrations });
    t.after(database.close);
    const options = { url: database.url, entities, migrations };
    const names = migrations.map(({ name: migration }) => migration);
    const all = await database.db.query(RELATIONS);
    assert.ok(all.length > 0);
    for (const migration of names.toReversed()) assert.deepEqual(await runMigrations(options, 'down'), [migration]);
    assert.deepEqual(await database.db.query(RELATIONS), []);
    assert.deepEqual(await runMigrations(options, 'up'), names);
    assert.deepEqual(await database.db.query(RELATIONS), all);
    await database.db.transaction(async ({ em }) => {
      for (const { class: entity } of em.getMetadata().getAll().values())
        assert.deepEqual(await em.find(entity, {}), []);
    });
  });
}
