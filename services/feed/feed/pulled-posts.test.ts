/** Feeds in which some authors are pulled, and authors who cross the limit while people read. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TimelineEntry } from '#kit/redis/timeline.ts';
import { createWindowStore } from '#kit/redis/window.ts';
import { until } from '#kit/testing/until.ts';
import { counted } from '../testing/counted.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';
import { createCandidateReader } from './candidates.ts';
import { createFollowSets } from './follow-sets.ts';
import { createFeedMetrics } from './metrics.ts';
import { createPulledPosts, MAX_PULLED_AUTHORS } from './pulled-posts.ts';
import { createWindows } from './window.ts';

const LIMIT = 2;
const MAX_ENTRIES = 20;
let service: TestFeedService;
before(async () => {
  service = await startFeedService({ maxEntries: MAX_ENTRIES, maxPushedFollowers: LIMIT });
  service.startFanOut();
});
after(() => service.close());

async function texts(viewer: string, pageSize = 0): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  let pageToken = '';
  do {
    const page = await service.as(viewer).getFeed({ pageSize, pageToken });
    found.push(...page.items.map(({ post }) => post?.text));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return found;
}

/** Resolves when whoever follows the author is told that the author is pulled, or no longer. */
async function crossed(author: string, isPulled: boolean): Promise<void> {
  await until(
    `it is ${isPulled} that the author is pulled`,
    async () => {
      const [record] = await service.redis.getMany([service.redis.key('pulled', author)]);
      return (record?.toString().charAt(16) === 'P') === isPulled;
    },
    30_000,
  );
}

async function newFans(author: string, count: number): Promise<string[]> {
  const fans = await Promise.all(Array.from({ length: count }, () => service.addUser()));
  for (const fan of fans) await service.follow(fan, author);
  return fans;
}

/** An author who is pulled, and somebody who reads. */
async function newFamous() {
  const author = await service.addUser();
  const fans = await newFans(author, LIMIT + 1);
  await crossed(author, true);
  return { author, fans, fan: fans[0] ?? '' };
}

/** The window alone. */
async function windowTexts(viewer: string, authors: ReadonlyMap<string, string>): Promise<(string | undefined)[]> {
  const page = await createWindows(service.redis, MAX_ENTRIES).read(viewer, undefined, 100);
  return (page.window?.entries ?? []).map(({ id }) => authors.get(id));
}

test('a pulled post is in the feed with the answer, and in no window but that of its author', async () => {
  const { author, fan } = await newFamous();
  assert.deepEqual(await texts(fan), []);
  assert.deepEqual(await texts(author), []);
  const post = await service.createPost(author, 'pulled');
  assert.deepEqual(await texts(fan), ['pulled'], 'before any fan-out');
  const byId = new Map([[post.id, 'pulled']]);
  await until('the fan-out has been there', async () => (await windowTexts(author, byId)).length === 1);
  assert.deepEqual(await windowTexts(fan, byId), []);
  await service.asAuthor(author).updatePost({ id: post.id, text: 'edited' });
  assert.deepEqual(await texts(fan), ['edited']);
  await service.asAuthor(author).deletePost({ id: post.id });
  assert.deepEqual(await texts(fan), []);
  await service.createPost(author, 'another');
  assert.deepEqual(await texts(fan), ['another']);
  await service.unfollow(fan, author);
  assert.deepEqual(await texts(fan), []);
});

test('authors cross the limit in both directions while people read: each post comes once, in its place', async () => {
  const author = await service.addUser();
  const friend = await service.addUser();
  const [fan = '', ...others] = await newFans(author, LIMIT);
  await service.follow(fan, friend);
  const expected: string[] = [];
  const write = async (who: string, text: string) => {
    await service.createPost(who, text);
    expected.unshift(text);
    for (const pageSize of [1, 3, 0]) {
      await until('the feed is right', async () => {
        assert.deepEqual(await texts(fan, pageSize), expected);
        return true;
      });
    }
  };
  await write(author, 'pushed');
  await write(friend, 'of a friend');
  const [one = ''] = await newFans(author, 1);
  await crossed(author, true);
  await write(author, 'pulled 1');
  await write(friend, 'of a friend again');
  await write(author, 'pulled 2');
  for (const other of [one, ...others]) await service.unfollow(other, author);
  await crossed(author, false);
  await write(author, 'pushed again');
  await newFans(author, LIMIT);
  await crossed(author, true);
  await write(author, 'pulled again');
  await service.restartRedis();
  await until('the same after a flush', async () => {
    assert.deepEqual(await texts(fan), expected);
    return true;
  });
});

/** The reader of a process that has just started, and how often it asks the post service. */
function openReader() {
  const { client: posts, calls } = counted(service.posts);
  const { redis, logger } = service;
  const parts = {
    windows: createWindows(redis, MAX_ENTRIES),
    followSets: createFollowSets(service.users),
    metrics: createFeedMetrics(service.metrics),
  };
  const pulledPosts = createPulledPosts({ redis, posts, logger });
  return { reader: createCandidateReader({ ...parts, pulledPosts, posts, maxEntries: MAX_ENTRIES, logger }), calls };
}

test('warm, pulled posts cost no RPC; what is older than they reach comes from Postgres', async () => {
  const { author, fan } = await newFamous();
  const context = await service.contextOf(fan);
  const posts: string[] = [];
  for (let n = 0; n < 5; n += 1) posts.unshift((await service.createPost(author, `post ${n}`)).id);
  const { reader, calls } = openReader();
  const ids = async (count: number) => (await reader.read(undefined, count, context)).entries.map(({ id }) => id);
  assert.deepEqual(await ids(9), posts);
  const before = calls();
  posts.unshift((await service.createPost(author, 'new')).id);
  assert.deepEqual(await ids(9), posts);
  assert.deepEqual(await ids(2), posts.slice(0, 2));
  assert.equal(calls(), before);

  // As if it held no more than its two newest.
  const recent = createWindowStore(service.redis, { prefix: 'recent', maxEntries: 200 });
  const { entries } = await recent.readTogether([author], undefined, 9);
  await recent.finish(author, await recent.begin(author), '', entries.slice(0, 3), false);
  assert.deepEqual(await ids(2), posts.slice(0, 2));
  assert.equal(calls(), before);
  assert.deepEqual(await ids(9), posts);
  const read: TimelineEntry[] = [];
  for (let place: Parameters<typeof reader.read>[0], page = 0; page === 0 || place !== undefined; page += 1) {
    const stretch = await reader.read(place, 2, context);
    read.push(...stretch.entries);
    place = stretch.next;
  }
  assert.deepEqual(
    read.map(({ id }) => id),
    posts,
  );
});

test('whoever follows too many pulled authors reads from Postgres', async () => {
  const pulledPosts = createPulledPosts(service);
  const context = await service.contextOf(await service.addUser());
  const authors = await Promise.all(Array.from({ length: MAX_PULLED_AUTHORS + 1 }, () => service.addUser()));
  assert.equal(await pulledPosts.read(authors, undefined, 5, context), undefined);
  assert.deepEqual((await pulledPosts.read(authors.slice(1), undefined, 5, context))?.entries, []);
});
