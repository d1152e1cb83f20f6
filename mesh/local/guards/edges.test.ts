/** The statements of an edge that CONTRIBUTING.md gives to copy do what it says of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '../../../services/post/schema.ts';
import { repositoryRoot } from '../settings.ts';

const [, block = ''] =
  /```sql\n([\s\S]*?)```/.exec(readFileSync(join(repositoryRoot, 'CONTRIBUTING.md'), 'utf8')) ?? [];
const [DO = '', UNDO = ''] = block.split(';');
const user = newId(1);
const post = newId(2);

let database: TestDatabase;
before(async () => {
  database = await createTestDatabase({ entities, migrations });
  await run(`create table likes (post_id uuid not null, user_id uuid not null, active boolean not null,
    created_at_ms bigint not null, version bigint not null, primary key (post_id, user_id))`);
  await run(
    "insert into posts (id, author_id, text, visibility, published_at_ms, version) values ($1, $2, '', 1, 1, 0)",
    [post, user],
  );
});
after(() => database.close());

let statements = 0;
async function run<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  statements += 1;
  return database.db.query<Row>({ name: `test-edge-${statements}`, text }, values);
}
const event = (subject: string) => [newId(3), subject, Buffer.from('payload'), '{}'];
const like = async (id = post) =>
  (await run<{ postExists: boolean; version: number | null }>(DO, [...event('like.created'), user, id, 5]))[0];
const unlike = async () => (await run<{ version: number }>(UNDO, [...event('like.deleted'), user, post]))[0]?.version;
const events = () =>
  run<{ subject: string; version: number }>('select subject, id::float8 as version from outbox order by id');

test('done, undone and done again have growing versions and an event each; repeated, nothing', async () => {
  const first = await like();
  assert.deepEqual(await like(), { postExists: true, version: null });
  const second = await unlike();
  assert.equal(await unlike(), undefined);
  const third = await like();
  const versions = [first?.version, second, third?.version];
  assert.deepEqual(
    await events(),
    ['like.created', 'like.deleted', 'like.created'].map((subject, index) => ({ subject, version: versions[index] })),
  );
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => Number(a) - Number(b)),
  );
});

test('of a post that is gone there is no edge and no event', async () => {
  const before = await events();
  assert.deepEqual(await like(newId(4)), { postExists: false, version: null });
  assert.deepEqual(await events(), before);
});

test('a post that is deleted meanwhile gets no edge', async () => {
  const gone = newId(5);
  await run(
    "insert into posts (id, author_id, text, visibility, published_at_ms, version) values ($1, $2, '', 1, 1, 0)",
    [gone, user],
  );
  let liked: ReturnType<typeof like> | undefined;
  await database.db.transaction(async (tx) => {
    await tx.query({ name: 'test-edge-delete', text: 'delete from posts where id = $1' }, [gone]);
    liked = like(gone);
  });
  assert.deepEqual(await liked, { postExists: false, version: null });
});
