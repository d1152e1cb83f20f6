import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { createTestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '../schema.ts';
import { createDeletedPosts } from './deleted-posts.ts';

test('clean-up takes a backlog in short statements, and what is younger than a day stays', async (t) => {
  const database = await createTestDatabase({ entities, migrations });
  t.after(database.close);
  const insert = {
    name: 'test-deleted-posts',
    text: `insert into deleted_posts (id, author_id, deleted_at_ms)
      select gen_random_uuid(), gen_random_uuid(), $1 from generate_series(1, $2)`,
  };
  await database.db.query(insert, [0, 12_000]);
  await database.db.query(insert, [1_000, 3]);
  const deleted: number[] = [];
  const watched: Queryable = {
    async query<Row>(...call: Parameters<Queryable['query']>) {
      const rows = await database.db.query<Row>(...call);
      deleted.push(rows.length);
      return rows;
    },
  };
  assert.equal(await createDeletedPosts(watched, { nowMs: () => DAY_MS + 1_000 }).cleanUp(), 12_000);
  assert.deepEqual(deleted, [5_000, 5_000, 2_000]);
});
