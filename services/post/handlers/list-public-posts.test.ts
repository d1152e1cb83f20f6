import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { truncate } from '#kit/testing/truncate.ts';
import { PLACES_AT_ONCE, PUBLIC_POSTS } from '../posts/public-posts.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';
import { MAX_LOOKS } from './list-public-posts.ts';

let service: TestPostService;
before(async () => {
  service = await startPostService({ withUser: false });
});
after(() => service.close());

test('the public posts of all come newest first, as they are now', async () => {
  const [ann, bob] = [await service.addUser('ann'), await service.addUser('bob')];
  const write = async (author: string, text: string, visibility?: Post_Visibility) =>
    (await service.as(author).createPost({ text, visibility })).post ?? assert.fail();
  const one = await write(ann, 'one');
  const two = await write(bob, 'two');
  await write(ann, 'for followers', Post_Visibility.FOLLOWERS);
  const three = await write(bob, 'three');
  const list = (pageSize: number, before?: { publishedAtMs: bigint; id: string }) =>
    service.internal('feed').listPublicPosts({ pageSize, before });
  assert.deepEqual((await list(101)).posts, [three, two, one]);
  assert.deepEqual((await list(1)).posts, [three]);
  const place = { publishedAtMs: BigInt(three.createdAt?.getTime() ?? 0), id: three.id };
  assert.deepEqual((await list(5, place)).posts, [two, one]);
  await service.as(bob).deletePost({ id: two.id });
  await service.as(ann).updatePost({ id: one.id, visibility: Post_Visibility.FOLLOWERS });
  assert.deepEqual((await list(5)).posts, [three]);
});

test('it reads no more of the index than it gives', async () => {
  await service.db.query({
    name: 'test-fill',
    text: `insert into posts (id, author_id, text, visibility, published_at_ms, version)
      select gen_random_uuid(), gen_random_uuid(), 'text', 1 + 2 * (n % 2), n, n from generate_series(1, 5000) n`,
  });
  await service.db.query({ name: 'test-analyze', text: 'analyze posts' });
  const [scan, ...others] = await explain(service.db, PUBLIC_POSTS, [4_000, newId(0), 20]);
  assert.deepEqual(others, []);
  assert.equal(scan?.['Index Name'], 'posts_public');
  assert.equal(scan['Actual Rows'], 20);
  assert.equal(scan['Rows Removed by Filter'] ?? 0, 0);
});

test('pages are filled past however many posts of those who are gone, within a bound', async () => {
  await truncate(service.db, 'posts');
  const [gone, ann] = [await service.addUser(), await service.addUser()];
  const fill = (author: string, firstMs: number, count: number) =>
    service.db.query(
      {
        name: 'test-fill-one',
        text: `insert into posts (id, author_id, text, visibility, published_at_ms, version)
          select gen_random_uuid(), $1::uuid, n::text, 1, n, n from generate_series($2::bigint, $2 + $3 - 1) n`,
      },
      [author, firstMs, count],
    );
  const profiles = createReadModel(service.redis, { prefix: 'profile', ttlMs: 60_000 });
  await profiles.bury(gone, 2);
  const list = (pageSize: number, before?: { publishedAtMs: bigint; id: string }) =>
    service.internal('feed').listPublicPosts({ pageSize, before });
  await fill(ann, 1, 3);
  await fill(gone, 11, 50);
  await fill(ann, 101, 1);
  await fill(gone, 111, PLACES_AT_ONCE);
  const texts = async (pageSize: number) => {
    const { posts, next } = await list(pageSize);
    assert.equal(next, undefined);
    return posts.map(({ text }) => text);
  };
  assert.deepEqual(await texts(1), ['101']);
  assert.deepEqual(await texts(3), ['101', '3', '2']);
  assert.deepEqual(await texts(4), ['101', '3', '2', '1']);
  assert.deepEqual(await texts(20), ['101', '3', '2', '1']);

  await fill(gone, 1_000_000, MAX_LOOKS * PLACES_AT_ONCE);
  const { posts, next } = await list(20);
  assert.deepEqual(posts, [], 'it has looked at enough');
  assert.ok(next);
  assert.deepEqual(
    (await list(20, next)).posts.map(({ text }) => text),
    ['101', '3', '2', '1'],
  );
});

test('wrong fields are refused', async () => {
  const list = (pageSize: number) => service.internal('feed').listPublicPosts({ pageSize });
  await assert.rejects(list(0), refused('VALIDATION_FAILED', 'pageSize'));
  await assert.rejects(list(102), refused('VALIDATION_FAILED', 'pageSize'));
});
