/** What a kill between commit and answer, or Redis being away, leaves undone is done by the relay. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Post } from '#gen/oxo/post/v1/post.ts';
import { createEffects } from '#kit/events/effects.ts';
import { quiet, startBus, type TestBus } from '#kit/events/fixtures.ts';
import { createPublisher } from '#kit/events/publisher.ts';
import { createRelay } from '#kit/events/relay.ts';
import { createReadModel, type ReadModel } from '#kit/redis/read-model.ts';
import { until } from '#kit/testing/until.ts';
import { ownTimeline } from '../testing/own-timeline.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';
import { createPublishedPosts } from './published-posts.ts';

let service: TestPostService;
let bus: TestBus;
let model: ReadModel;
let ann: string;
before(async () => {
  [service, bus] = await Promise.all([startPostService(), startBus()]);
  model = createReadModel(service.redis, { prefix: 'post', ttlMs: 1_000 });
});
beforeEach(async () => {
  ann = await service.addUser('ann');
});
after(async () => {
  await service.close();
  await bus.stop();
});

/** Runs the relay of a process that has just started. */
function relay(): Promise<number> {
  const effects = createEffects(createPublishedPosts(service.redis, service.db, quiet).effects, quiet);
  const publisher = createPublisher({ nats: bus.admin, source: 'post', logger: quiet });
  const { db, databaseUrl } = service;
  return createRelay({ databaseUrl, db, publisher, effects, logger: quiet }).processAll();
}

/** Redis forgets everything, as after a kill. */
async function loseRedis(): Promise<void> {
  await service.redisServer.restart();
  await until('redis is back', () => service.redis.ping().then(() => true));
}

async function create(text: string): Promise<Post> {
  const { post } = await service.as(ann).createPost({ text });
  return post ?? assert.fail();
}

test('a created, a changed and a deleted post come to stand in Redis as they are now', async () => {
  const [kept, changed, deleted] = [await create('kept'), await create('old'), await create('deleted')];
  await service.as(ann).updatePost({ id: changed.id, text: 'new' });
  await service.as(ann).deletePost({ id: deleted.id });
  await loseRedis();
  assert.equal(await relay(), 5);
  const found = await model.getMany([kept.id, changed.id, deleted.id]);
  assert.deepEqual(
    found.map((payload) => (Buffer.isBuffer(payload) ? Post.decode(payload).text : payload)),
    ['kept', 'new', 'deleted'],
  );
  assert.deepEqual(
    (await ownTimeline(service.redis, ann)).map(({ id }) => id),
    [changed.id, kept.id],
  );
});

test('what is written while Redis is away is answered, and stands in Redis later', async () => {
  const post = await create('before');
  await service.redisServer.kill();
  await until('the loss is noticed', () =>
    service.redis.ping().then(
      () => false,
      () => true,
    ),
  );
  // The author's name is in Redis, and the user service is not there: a delete needs neither.
  await service.as(ann).deletePost({ id: post.id });
  await loseRedis();
  assert.deepEqual(await model.getMany([post.id]), [undefined]);
  await relay();
  assert.deepEqual(await model.getMany([post.id]), ['deleted']);
});
