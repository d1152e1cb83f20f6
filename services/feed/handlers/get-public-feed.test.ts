import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FeedItem_Reason } from '#gen/oxo/feed/v1/feed.ts';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { createCallContexts } from '#kit/testing/call-context.ts';
import { refused } from '#kit/testing/refused.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';
import { getPublicFeed } from './get-public-feed.ts';

let service: TestFeedService;
before(async () => {
  service = await startFeedService();
});
after(() => service.close());

async function pages(pageSize: number, viewer?: string) {
  const found: (string | undefined)[][] = [];
  let pageToken = '';
  do {
    const page = await service.as(viewer).getPublicFeed({ pageSize, pageToken });
    found.push(page.items.map(({ post }) => post?.text));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

test('everybody reads the public posts of all, newest first, page by page', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const one = await service.createPost(ann, 'one');
  const two = await service.createPost(bob, 'two');
  await service.createPost(ann, 'for followers', Post_Visibility.FOLLOWERS);
  const three = await service.createPost(ann, 'three');
  const items = [three, two, one].map((post) => ({ post, reason: FeedItem_Reason.PUBLIC_POST }));
  assert.deepEqual(await service.as().getPublicFeed({}), { items, nextPageToken: '' });
  assert.deepEqual(await pages(2), [['three', 'two'], ['one']]);
  assert.deepEqual(await pages(1, bob), [['three'], ['two'], ['one']]);
  assert.deepEqual(await pages(3), [['three', 'two', 'one']]);

  const { nextPageToken } = await service.as().getPublicFeed({ pageSize: 1 });
  await service.createPost(bob, 'late');
  await service.asAuthor(bob).deletePost({ id: two.id });
  const rest = await service.as().getPublicFeed({ pageToken: nextPageToken });
  assert.deepEqual(
    rest.items.map(({ post }) => post?.text),
    ['one'],
    'what was deleted is gone at once',
  );
  assert.deepEqual(await pages(20), [['late', 'three', 'one']]);
});

test('posts of those who are gone make no page short', async () => {
  const [gone, ann] = [newId(service.clock.nowMs()), await service.addUser()];
  const older = await service.createPost(ann, 'older');
  // Known by nothing but a profile that vanishes.
  const profiles = createReadModel(service.redis, { prefix: 'profile', ttlMs: 60_000 });
  const [record] = await service.redis.getMany([service.redis.key('profile', ann)]);
  assert.ok(record);
  await profiles.put(gone, 1, record.subarray(17));
  for (const text of ['a', 'b', 'c']) await service.createPost(gone, text);
  await profiles.bury(gone, 2);
  const [first] = await pages(1);
  assert.deepEqual(first, [older.text]);
});

test('a page costs one call of the post service, also when nothing of a long stretch is to be seen', async () => {
  const calls: unknown[] = [];
  const next = { publishedAtMs: 7n, id: newId(7) };
  const listPublicPosts = async (request: unknown) => {
    calls.push(request);
    return { posts: [], next };
  };
  const context = await createCallContexts(service, service.issuer)(await service.addUser());
  const posts = { listPublicPosts } as unknown as Parameters<typeof getPublicFeed>[0]['posts'];
  const page = await getPublicFeed({ posts })({ pageSize: 20, pageToken: '' }, context);
  assert.deepEqual(page.items, []);
  assert.notEqual(page.nextPageToken, '', 'the next page goes on from there');
  assert.equal(calls.length, 1);
});

test('wrong fields and the token of another list are refused', async () => {
  const viewer = await service.addUser();
  for (const text of ['x', 'y']) await service.createPost(viewer, text);
  const read = (pageSize: number, pageToken: string) => service.as().getPublicFeed({ pageSize, pageToken });
  await assert.rejects(read(-1, 'x'.repeat(600)), refused('VALIDATION_FAILED', 'pageSize', 'pageToken'));
  await assert.rejects(read(1, 'x'), refused('PAGE_TOKEN_INVALID'));
  const { nextPageToken } = await service.as(viewer).getFeed({ pageSize: 1 });
  await assert.rejects(read(1, nextPageToken), refused('PAGE_TOKEN_INVALID'));
});
