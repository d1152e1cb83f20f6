import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMigrations } from '#kit/db/migrations.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { readConfig } from './config.ts';
import { FollowEntity } from './entities/follow-entity.ts';
import { FollowerCountEntity } from './entities/follower-count-entity.ts';
import { UserEntity } from './entities/user-entity.ts';
import { entities, migrations } from './schema.ts';

test('migrations go down and up again, and the entities fit their tables', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  t.after(database.close);
  const options = { url: database.url, entities, migrations };
  const left = {
    name: 'test-tables',
    text: "select tablename as name from pg_tables where schemaname = current_schema() and tablename <> 'migrations'",
  };
  assert.deepEqual(await runMigrations(options, 'up'), []);
  for (const _ of migrations) await runMigrations(options, 'down');
  assert.deepEqual(await database.db.query(left), []);
  await runMigrations(options, 'up');
  await database.db.transaction(async ({ em }) => {
    assert.deepEqual(await em.find(UserEntity, {}), []);
    assert.deepEqual(await em.find(FollowEntity, {}), []);
    assert.deepEqual(await em.find(FollowerCountEntity, {}), []);
  });
});

test('settings that are missing or wrong are all named', () => {
  assert.throws(() => readConfig({ MAX_FOLLOWEES: '0', GRPC_PORT: '1' }), {
    message: /(?=.*DATABASE_URL: is not set)(?=.*REDIS_URL: is not set)(?=.*MAX_FOLLOWEES: )/s,
  });
});
