/** What a schema runs is what lies in its folder, by the same names: tools read the names alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NamedMigration } from '#kit/db/migrations.ts';
import { migrationNames, migrationOrder, services } from '../services.ts';

for (const { name } of services.filter(({ migrate }) => migrate !== undefined)) {
  test(`${name}: its migrations are named as their files`, async () => {
    const { migrations }: { migrations: NamedMigration[] } = await import(`../../../services/${name}/schema.ts`);
    assert.deepEqual(migrations.map((migration) => migration.name).sort(), migrationNames(name));
  });

  test(`${name}: the day of a migration is not earlier than that of the one before`, async () => {
    const days = (await migrationOrder(name)).map((migration) => migration.slice(0, '20261127'.length));
    assert.deepEqual(days, [...days].sort());
  });
}
