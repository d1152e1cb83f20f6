import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Queryable } from '#kit/db/database.ts';
import { createMetrics } from '#kit/observability/metrics.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { followVersion } from '../testing/graph.ts';
import { ERASE_AFTER_MS, startUserService, type TestUserService } from '../testing/user-service.ts';
import type { FollowVersions } from './follow-versions.ts';
import { createPulledAuthors } from './pulled-authors.ts';

const LIMIT = 5;
let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const renewNothing: Pick<FollowVersions, 'renewed'> = { renewed: async () => undefined };

/** The work of one process. @param renewed as the versions do it, unless a test looks over their shoulder */
function openAuthors(renewed?: (followerIds: readonly string[]) => Promise<void>, db: Queryable = service.db) {
  const { redis, followVersions } = service;
  return createPulledAuthors({
    ...{ db, redis, metrics: createMetrics(), maxPushedFollowers: LIMIT },
    followVersions: renewed === undefined ? followVersions : { renewed },
  });
}

const follow = (follower: string, followee: string) => service.as(follower).follow({ id: followee });
const unfollow = (follower: string, followee: string) => service.as(follower).unfollow({ id: followee });

async function newAuthor(followers: number) {
  const author = await service.addUser();
  const fans = await Promise.all(Array.from({ length: followers }, () => service.addUser()));
  for (const fan of fans) await follow(fan, author);
  return { author, fans };
}

/** What the post service finds of the author. */
async function isPublished(author: string): Promise<boolean> {
  const [found] = await createReadModel(service.redis, { prefix: 'pulled', ttlMs: 1 }).getMany([author]);
  return found instanceof Buffer;
}

/** What the feed is told when the fan asks. */
async function toldTo(fan: string) {
  return service.internal('feed').listFolloweeIds({}, await service.onBehalfOf(fan));
}

async function review(author: string, authors = openAuthors()): Promise<void> {
  authors.touched(author);
  await authors.review();
}

test('an author is pulled above the limit, and pushed again once a fifth below', async () => {
  const { author, fans } = await newAuthor(LIMIT);
  const [fan = '', ...others] = fans;
  await review(author);
  assert.equal(await isPublished(author), false);
  const one = await service.addUser();
  await follow(one, author);
  const before = (await toldTo(fan)).version;
  await review(author);
  assert.equal(await isPublished(author), true);
  const told = await toldTo(fan);
  assert.deepEqual([told.followeeIds, told.pulledIds], [[author], [author]]);
  assert.notEqual(told.version, before, 'whoever had asked before asks again');

  await unfollow(one, author);
  await review(author);
  assert.equal(await isPublished(author), true, 'at the limit nothing changes');
  await unfollow(others[0] ?? '', author);
  await review(author);
  assert.equal(await isPublished(author), false);
  const after = await toldTo(fan);
  assert.deepEqual([after.followeeIds, after.pulledIds], [[author], []]);
  assert.notEqual(after.version, told.version, 'so that windows are built anew');
});

test('followers are told before the first post is pulled, and nobody is forgotten before all is pushed', async () => {
  const { author, fans } = await newAuthor(LIMIT + 1);
  const seen: object[] = [];
  const authors = openAuthors(async (followerIds) => {
    seen.push({
      followers: followerIds.length,
      published: await isPublished(author),
      told: (await toldTo(fans[0] ?? '')).pulledIds,
    });
  });
  await review(author, authors);
  for (const fan of fans.slice(0, 2)) await unfollow(fan, author);
  fans.splice(0, 2);
  await review(author, authors);
  assert.deepEqual(seen, [
    { followers: LIMIT + 1, published: false, told: [author] },
    { followers: LIMIT - 1, published: false, told: [author] },
  ]);
});

test('what a dead process has begun is finished by the sweep, in both directions', async () => {
  const { author, fans } = await newAuthor(LIMIT + 1);
  const dying = openAuthors(() => Promise.reject(new Error('killed')));
  await assert.rejects(review(author, dying), { message: 'killed' });
  assert.equal(await isPublished(author), false);
  const version = await followVersion(service, fans[0] ?? '');
  await openAuthors().sweep();
  assert.equal(await isPublished(author), true);
  assert.notEqual(await followVersion(service, fans[0] ?? ''), version);

  for (const fan of fans.slice(2)) await unfollow(fan, author);
  await assert.rejects(review(author, dying), { message: 'killed' });
  assert.equal(await isPublished(author), false, 'no post is pulled from here on');
  assert.deepEqual((await toldTo(fans[0] ?? '')).pulledIds, [author]);
  await openAuthors().sweep();
  assert.deepEqual((await toldTo(fans[0] ?? '')).pulledIds, []);
});

test('processes that are at it together get it done once, in the end', async () => {
  const { author, fans } = await newAuthor(LIMIT + 1);
  await Promise.all([review(author), review(author), openAuthors().sweep()]);
  await openAuthors().sweep();
  assert.equal(await isPublished(author), true);
  // The slowest of them comes when the author is on the way back already.
  const [begun, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { author: other, fans: otherFans } = await newAuthor(LIMIT + 1);
  const slow = review(
    other,
    openAuthors(async () => {
      begun.resolve();
      await held.promise;
    }),
  );
  await begun.promise;
  for (const fan of otherFans.slice(1)) await unfollow(fan, other);
  await review(other);
  held.resolve();
  await slow;
  assert.equal(await isPublished(other), false);
  assert.deepEqual((await toldTo(otherFans[0] ?? '')).pulledIds, []);
  assert.equal(fans.length, LIMIT + 1);
});

test('what Redis has lost is published again', async () => {
  const { author } = await newAuthor(LIMIT + 1);
  await review(author);
  await service.restartRedis();
  assert.equal(await isPublished(author), false);
  await openAuthors(renewNothing.renewed).sweep();
  assert.equal(await isPublished(author), true);
});

test('while Redis is away nobody crosses the limit', async () => {
  const { author, fans } = await newAuthor(LIMIT + 1);
  await service.killRedis();
  try {
    await assert.rejects(review(author));
  } finally {
    await service.restartRedis();
  }
  assert.equal(await isPublished(author), false);
  await openAuthors().sweep();
  assert.equal(await isPublished(author), true);
  assert.deepEqual((await toldTo(fans[0] ?? '')).pulledIds, [author]);
});

test('a pulled author who is deleted is forgotten, and the erasure waits for it', async () => {
  const { author } = await newAuthor(LIMIT + 1);
  await review(author);
  assert.equal(await isPublished(author), true);
  await service.as(author).deleteMe({});
  service.clock.advance(ERASE_AFTER_MS);
  const erase = async () => {
    await service.inBackground('erasure');
    const [deletion] = await service.db.query<{ done: boolean; pulled: boolean }>(
      {
        name: 'test-erased',
        text: `select graph_erased_at_ms is not null as done, exists (select from pulled_authors where user_id = $1::uuid) as pulled
          from deletions where user_id = $1::uuid`,
      },
      [author],
    );
    return deletion;
  };
  assert.deepEqual(await erase(), { done: false, pulled: true });
  await review(author);
  assert.equal(await isPublished(author), false);
  assert.deepEqual(await erase(), { done: true, pulled: false });
});
