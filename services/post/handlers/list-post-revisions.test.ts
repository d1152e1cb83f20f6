import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Post, Post_Visibility, type PostRevision } from '#gen/oxo/post/v1/post.ts';
import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { REVISIONS } from '../posts/revisions.ts';
import { freshPost } from '../testing/fresh-post.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let ann: string;
let post: Post;
before(async () => {
  service = await startPostService({ withUser: false });
  ann = await service.addUser('ann');
});
after(() => service.close());
beforeEach(async () => {
  post = await freshPost(service, ann);
});

const list = (fields: object = {}) => service.as().listPostRevisions({ id: post.id, ...fields });
const edit = async (text: string) => (await service.as(ann).updatePost({ id: post.id, text })).post ?? assert.fail();

async function rowCount(): Promise<number | undefined> {
  const count = {
    name: 'test-revisions',
    text: 'select count(*)::integer as count from post_revisions where post_id = $1',
  };
  return (await service.db.query<{ count: number }>(count, [post.id]))[0]?.count;
}

test('a post that was never changed has the text with which it was published', async () => {
  assert.deepEqual(await list(), {
    revisions: [{ number: 1, text: 'first', entities: [], createdAt: post.createdAt }],
    nextPageToken: '',
  });
});

test('each change of the text keeps the one before, with what it names and when it was published', async () => {
  const second = await edit('#second');
  await service.as(ann).updatePost({ id: post.id, visibility: Post_Visibility.FOLLOWERS });
  await service.as(ann).updatePost({ id: post.id, visibility: Post_Visibility.PUBLIC, text: '#second' });
  const third = await edit('#third #3rd');
  const { revisions } = await list();
  const expected: PostRevision[] = [
    { number: 3, text: '#third #3rd', entities: third.entities, createdAt: third.editedAt },
    { number: 2, text: '#second', entities: second.entities, createdAt: second.editedAt },
    { number: 1, text: 'first', entities: [], createdAt: post.createdAt },
  ];
  assert.deepEqual(revisions, expected);
  assert.deepEqual(third.entities.length, 2);
});

test('edits at the same time each keep what they replaced', async () => {
  await Promise.all(Array.from({ length: 8 }, (_, index) => edit(`edit ${index}`)));
  const { revisions } = await list();
  assert.deepEqual(
    revisions.map(({ number }) => number),
    [9, 8, 7, 6, 5, 4, 3, 2, 1],
  );
  assert.equal(new Set(revisions.map(({ text }) => text)).size, 9);
  assert.equal(revisions[0]?.text, (await service.as().getPost({ id: post.id })).post?.text);
});

test('pages hold each once, also when the post is changed between them', async () => {
  for (const text of ['2', '3', '4', '5']) await edit(text);
  const first = await list({ pageSize: 2 });
  await edit('6');
  const second = await list({ pageSize: 2, pageToken: first.nextPageToken });
  const third = await list({ pageSize: 2, pageToken: second.nextPageToken });
  const texts = [first, second, third].flatMap(({ revisions }) => revisions.map(({ text }) => text));
  assert.deepEqual(texts, ['5', '4', '3', '2', 'first']);
  assert.equal(third.nextPageToken, '');
  const other = await freshPost(service, ann);
  await assert.rejects(list({ id: other.id, pageToken: first.nextPageToken }), refused('PAGE_TOKEN_INVALID'));
});

test('a text is changed 100 times and no more; who sees the post can still be changed', async () => {
  const rows = `insert into post_revisions (post_id, number, text, replaced_at_ms)
    select $1, number, 'text ' || number, number from generate_series(1, 99) number`;
  await service.db.query({ name: 'test-revise', text: rows }, [post.id]);
  await edit('the hundredth');
  await assert.rejects(edit('one more'), refused('EDIT_LIMIT_REACHED'));
  const { post: limited } = await service.as(ann).updatePost({ id: post.id, visibility: Post_Visibility.FOLLOWERS });
  assert.equal(limited?.text, 'the hundredth');
  const { revisions, nextPageToken } = await service.as(ann).listPostRevisions({ id: post.id, pageSize: 1_000 });
  assert.deepEqual([revisions.length, revisions[0]?.number, nextPageToken !== ''], [100, 101, true]);
  assert.equal((await service.events()).length, 2);
});

test('they go with the post, at once', async () => {
  await edit('second');
  assert.equal(await rowCount(), 1);
  await service.as(ann).deletePost({ id: post.id });
  assert.equal(await rowCount(), 0);
  await assert.rejects(list(), refused('POST_NOT_FOUND'));
});

test('bad input is refused', async () => {
  await assert.rejects(list({ id: 'x', pageSize: -1 }), refused('VALIDATION_FAILED', 'id', 'pageSize'));
  await assert.rejects(list({ pageToken: 'x' }), refused('PAGE_TOKEN_INVALID'));
  await assert.rejects(list({ id: newId(1) }), refused('POST_NOT_FOUND'));
});

test('a page reads the revisions of its post from their key, and no others', async () => {
  await service.db.query({
    name: 'test-many-revisions',
    text: `with made as (
        insert into posts (id, author_id, text, visibility, published_at_ms, version)
        select gen_random_uuid(), gen_random_uuid(), 'text', 1, n, 0 from generate_series(1, 1000) n returning id)
      insert into post_revisions (post_id, number, text, replaced_at_ms)
      select id, number, 'text', number from made, generate_series(1, 5) number`,
  });
  for (const text of ['second', 'third', 'fourth']) await edit(text);
  for (const table of ['posts', 'post_revisions']) {
    await service.db.query({ name: `test-analyze-${table}`, text: `analyze ${table}` });
  }
  const scans = await explain(service.db, REVISIONS, [post.id, 100, 21]);
  const read = scans.filter((scan) => scan['Relation Name'] === 'post_revisions');
  assert.ok(read.length > 0 && scans.length > read.length);
  for (const scan of scans) assert.match(scan['Node Type'], /^(Index|Bitmap Heap)/, JSON.stringify(scan));
  for (const scan of read) assert.equal(scan['Actual Rows'] * scan['Actual Loops'], 3, JSON.stringify(scan));
});
