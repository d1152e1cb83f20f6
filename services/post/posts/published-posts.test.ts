/** What a kill between commit and answer, or Redis being away, leaves undone is done by the relay. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Post } from '#gen/oxo/post/v1/post.ts';
import { createReadModel, type ReadModel } from '#kit/redis/read-model.ts';
import { startBus, type TestBus } from '#kit/testing/bus.ts';
import { ownTimeline } from '../testing/own-timeline.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let bus: TestBus;
let model: ReadModel;
let ann: string;
before(async () => {
  [service, bus] = await Promise.all([startPostService({ withUser: false }), startBus()]);
  model = createReadModel(service.redis, { prefix: 'post', ttlMs: 1_000 });
});
beforeEach(async () => {
  ann = await service.addUser('ann');
});
after(async () => {
  await service.close();
  await bus.stop();
});

async function create(text: string): Promise<Post> {
  const { post } = await service.as(ann).createPost({ text });
  return post ?? assert.fail();
}

test('a created, a changed and a deleted post come to stand in Redis as they are now', async () => {
  const [kept, changed, deleted] = [await create('kept'), await create('old'), await create('deleted')];
  await service.as(ann).updatePost({ id: changed.id, text: 'new' });
  await service.as(ann).deletePost({ id: deleted.id });
  await service.restartRedis();
  assert.equal(await service.relay(bus.admin), 5);
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
  await service.killRedis();
  // The author's name is in Redis, and the user service is not there: a delete needs neither.
  await service.as(ann).deletePost({ id: post.id });
  await service.restartRedis();
  assert.deepEqual(await model.getMany([post.id]), [undefined]);
  await service.relay(bus.admin);
  assert.deepEqual(await model.getMany([post.id]), ['deleted']);
});
