import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';

import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { truncate } from '#kit/testing/truncate.ts';
import { FOR_ALL, FOR_FOLLOWERS } from '../posts/visibility.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';
import { USER_POSTS } from './list-user-posts.ts';

let service: TestPostService;
let ann: string;
let bob: string;
before(async () => {
  service = await startPostService({ withUser: false });
  ann = await service.addUser('ann');
  bob = await service.addUser('bob');
});
after(() => service.close());
beforeEach(() => truncate(service.db, 'posts'));

async function create(
  count: number,
  author = ann,
  visibility: Post_Visibility = Post_Visibility.PUBLIC,
): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, index) => `n${index}`);
  for (const text of texts) await service.as(author).createPost({ text, visibility });
  return texts;
}

async function page(pageSize: number, pageToken = '', userId = ann, viewer: string | undefined = undefined) {
  const { posts, nextPageToken } = await service.as(viewer).listUserPosts({ userId, pageSize, pageToken });
  return { texts: posts.map(({ text }) => text), nextPageToken };
}

test('pages hold all posts, newest first, each once, and end with an empty token', async () => {
  const texts = (await create(7)).toReversed();
  const first = await page(3);
  assert.deepEqual(first.texts, texts.slice(0, 3));
  // What comes later does not shift the pages.
  await service.as(ann).createPost({ text: 'late' });
  const second = await page(3, first.nextPageToken);
  assert.deepEqual(second.texts, texts.slice(3, 6));
  assert.deepEqual(await page(3, second.nextPageToken), { texts: texts.slice(6), nextPageToken: '' });
  assert.deepEqual(await page(8), { texts: ['late', ...texts], nextPageToken: '' });
});

test('posts of one millisecond are ordered by id, and pages part them', async () => {
  await create(6);
  await service.db.query({ name: 'test-same-time', text: 'update posts set published_at_ms = 5' });
  const ids = (await service.as().listUserPosts({ userId: ann })).posts.map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted().toReversed());
  const paged: string[] = [];
  for (let pageToken = '', pages = 0; pages === 0 || (pageToken !== '' && pages < 10); pages += 1) {
    const answer = await service.as().listUserPosts({ userId: ann, pageSize: 2, pageToken });
    paged.push(...answer.posts.map(({ id }) => id));
    pageToken = answer.nextPageToken;
  }
  assert.deepEqual(paged, ids);
});

test('a page has 20 posts when nothing is said, and at most 100', async () => {
  await create(102);
  assert.equal((await page(0)).texts.length, 20);
  assert.equal((await page(1_000_000)).texts.length, 100);
  await assert.rejects(page(-1), refused('VALIDATION_FAILED', 'pageSize'));
});

test('"me" is the caller', async () => {
  await create(1, bob, Post_Visibility.FOLLOWERS);
  assert.deepEqual((await page(0, '', 'me', bob)).texts, ['n0']);
  await assert.rejects(page(0, '', 'me'), refused('VALIDATION_FAILED', 'userId'));
  await assert.rejects(page(0, '', 'bob'), refused('VALIDATION_FAILED', 'userId'));
  assert.deepEqual(await page(0, '', bob), { texts: [], nextPageToken: '' });
});

test('a token of another list is refused', async () => {
  await create(2);
  await create(2, bob);
  const { nextPageToken } = await page(1);
  await assert.rejects(page(1, nextPageToken, bob), refused('PAGE_TOKEN_INVALID'));
  await assert.rejects(page(1, 'x'), refused('PAGE_TOKEN_INVALID'));
  await assert.rejects(page(1, 'x'.repeat(600)), refused('VALIDATION_FAILED', 'pageToken'));
});

test('a page reads its posts from the index of the author, and no others', async () => {
  await service.db.query(
    {
      name: 'test-many-posts',
      text: `insert into posts (id, author_id, text, visibility, published_at_ms, version)
        select gen_random_uuid(), case when n % 40 = 0 then $1::uuid else gen_random_uuid() end, 'text', 1 + n / 40 % 2, n, 0
        from generate_series(1, 20000) n`,
    },
    [ann],
  );
  await service.db.query({ name: 'test-analyze', text: 'analyze posts' });
  for (const visible of [FOR_ALL, FOR_FOLLOWERS]) {
    const scans = await explain(service.db, USER_POSTS, [ann, visible, 16_000, newId(0), 21]);
    assert.deepEqual(
      scans.map((scan) => [scan['Node Type'], scan['Index Name']]),
      [['Index Scan', 'posts_by_author']],
    );
    assert.ok(
      scans.every((scan) => scan['Actual Rows'] + (scan['Rows Removed by Filter'] ?? 0) <= 50),
      JSON.stringify(scans),
    );
  }
});
