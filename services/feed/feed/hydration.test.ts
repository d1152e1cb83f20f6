import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import { newId } from '#kit/ids.ts';
import type { TimelineEntry } from '#kit/redis/timeline.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { counted } from '../testing/counted.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';
import { createHydrator, type Hydrated } from './hydration.ts';
import { createFeedMetrics } from './metrics.ts';

let service: TestFeedService;
let [ann, bob] = ['', ''];
let posts: Post[];
before(async () => {
  service = await startFeedService();
  [ann, bob] = [await service.addUser('ann'), await service.addUser('bob')];
});
after(() => service.close());

const entryOf = (post: Post): TimelineEntry => ({
  id: post.id,
  ownerId: post.author?.id ?? '',
  atMs: post.createdAt?.getTime() ?? 0,
});

const decoded = (found: readonly Hydrated[]) =>
  found.map(({ post, author }) => ({ ...Post.decode(post), author: UserSummary.decode(author) }));

function openHydrator() {
  const [posts, users] = [counted(service.posts), counted(service.users)];
  const { redis, logger } = service;
  const metrics = createFeedMetrics(service.metrics);
  return {
    hydrator: createHydrator({ redis, posts: posts.client, users: users.client, metrics, logger }),
    calls: () => [posts.calls(), users.calls()],
  };
}

async function createPosts(): Promise<Post[]> {
  const authors = [ann, bob, ann];
  return Promise.all(authors.map((author, index) => service.createPost(author, `text ${index}`)));
}

test('warm, posts and authors come from Redis, in the order of the entries', async () => {
  posts = await createPosts();
  const { hydrator, calls } = openHydrator();
  const wanted = posts.toReversed();
  const { found, gone } = await hydrator.hydrate(wanted.map(entryOf), await service.contextOf(bob));
  assert.deepEqual(decoded(found), wanted);
  assert.deepEqual(gone, []);
  assert.deepEqual(calls(), [0, 0]);
});

test('what Redis has lost comes from the services, in one call to each', async () => {
  posts = await createPosts();
  await service.restartRedis();
  const { hydrator, calls } = openHydrator();
  const { found, gone } = await hydrator.hydrate(posts.map(entryOf), await service.contextOf(bob));
  assert.deepEqual(decoded(found), posts);
  assert.deepEqual(gone, []);
  assert.deepEqual(calls(), [1, 1]);
});

test('while Redis is away all of it comes from the services', async () => {
  posts = await createPosts();
  await service.killRedis();
  try {
    const { hydrator } = openHydrator();
    const { found } = await hydrator.hydrate(posts.map(entryOf), await service.contextOf(bob));
    assert.deepEqual(decoded(found), posts);
  } finally {
    await service.restartRedis();
  }
});

test('a deleted post is gone, by its tombstone or by what the post service says; so is one that never was', async () => {
  posts = await createPosts();
  const [deleted, kept] = posts.map(entryOf);
  assert.ok(deleted && kept);
  // What a reader has missed is put back a moment later.
  await until('all is published', async () => {
    const { hydrator, calls } = openHydrator();
    await hydrator.hydrate([kept], await service.contextOf(bob));
    return calls().every((count) => count === 0);
  });
  await service.asAuthor(ann).deletePost({ id: deleted.id });
  const never = { id: newId(1), ownerId: ann, atMs: 1 };
  const context = await service.contextOf(bob);
  // At once as a rule; the relay puts it there when a node was just not to be had by the post service.
  await until('there is a tombstone', async () => {
    const { hydrator, calls } = openHydrator();
    assert.deepEqual((await hydrator.hydrate([deleted], context)).gone, [deleted]);
    return calls().every((count) => count === 0);
  });
  await service.restartRedis();
  const { found, gone } = await openHydrator().hydrator.hydrate([deleted, kept, never], context);
  assert.deepEqual(
    found.map(({ entry }) => entry),
    [kept],
  );
  assert.deepEqual(gone, [deleted, never]);
});

test('what Redis has lost is shown only to whom the post service shows it', async () => {
  const limited = await service.createPost(ann, 'limited', Post_Visibility.FOLLOWERS);
  await service.restartRedis();
  const { hydrator } = openHydrator();
  assert.deepEqual((await hydrator.hydrate([entryOf(limited)], await service.contextOf(bob))).gone, [entryOf(limited)]);
  await service.restartRedis();
  await service.follow(bob, ann);
  const { found } = await hydrator.hydrate([entryOf(limited)], await service.contextOf(bob));
  assert.deepEqual(decoded(found), [limited]);
});

test('a call that fails is the failure of the page, not a gap in it', async () => {
  const [post] = await createPosts();
  assert.ok(post);
  await service.restartRedis();
  await service.post().kill();
  try {
    const { hydrator } = openHydrator();
    await assert.rejects(hydrator.hydrate([entryOf(post)], await service.contextOf(bob)), refused('UNAVAILABLE'));
  } finally {
    await service.post().restart();
  }
});
