/** What a post carries of what its text names, in every RPC; with the real user service. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata } from 'nice-grpc-common';
import { type Entity, Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { PostCreated, PostDeleted, PostUpdated } from '#gen/oxo/post/v1/post_events.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { truncate } from '#kit/testing/truncate.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let ann: string;
let bob: string;
before(async () => {
  service = await startPostService();
  ann = await service.addUser('ann');
  bob = await service.addUser('bob');
});
after(() => service.close());
beforeEach(() => truncate(service.db, 'outbox'));

async function create(text: string, metadata = Metadata()): Promise<Post> {
  const { post } = await service.as(ann).createPost({ text }, { metadata });
  return post ?? assert.fail();
}

const entity = (start: number, end: number, kind: Partial<Entity>): Entity => ({
  ...{ start, end, mention: undefined, hashtag: undefined, link: undefined },
  ...kind,
});

test('a post carries what its text names: in answers, lists, Redis and events', async () => {
  const post = await create('😀 @Bob, @nobody #Café https://oxo.example/@ann.');
  assert.deepEqual(post.entities, [
    entity(2, 6, { mention: { userId: bob } }),
    entity(16, 21, { hashtag: { tag: 'café' } }),
    entity(22, 46, { link: { url: 'https://oxo.example/@ann' } }),
  ]);
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, post);
  assert.deepEqual((await service.as().listUserPosts({ userId: ann, pageSize: 1 })).posts, [post]);
  const batch = await service.internal('feed').batchGetPosts({ ids: [post.id] }, await service.onBehalfOf(bob));
  assert.deepEqual(batch.posts, [post]);
  const [payload] = await createReadModel(service.redis, { prefix: 'post', ttlMs: 1 }).getMany([post.id]);
  assert.deepEqual(Post.decode(payload as Buffer).entities, post.entities);
  await service.as(ann).deletePost({ id: post.id });
  const [created, deleted] = await service.events();
  assert.deepEqual(PostCreated.decode(created?.payload as Buffer).post?.entities, post.entities);
  assert.deepEqual(PostDeleted.decode(deleted?.payload as Buffer).post?.entities, post.entities);
});

test('they are made again when the text changes, and stay when it does not', async () => {
  const { id, entities } = await create('#one @bob');
  const limited = await service.as(ann).updatePost({ id, visibility: Post_Visibility.FOLLOWERS });
  assert.deepEqual(limited.post?.entities, entities);
  const edited = await service.as(ann).updatePost({ id, text: '@ann #two' });
  const expected = [entity(0, 4, { mention: { userId: ann } }), entity(5, 9, { hashtag: { tag: 'two' } })];
  assert.deepEqual(edited.post?.entities, expected);
  assert.deepEqual((await service.as(ann).getPost({ id })).post?.entities, expected);
  assert.deepEqual((await service.as(ann).updatePost({ id, text: 'nothing' })).post?.entities, []);
  assert.deepEqual((await service.as(ann).getPost({ id })).post?.entities, []);
  const told = (await service.events()).slice(1).map(({ payload }) => PostUpdated.decode(payload).post?.entities);
  assert.deepEqual(told, [entities, expected, []]);
});

test('posts that come together and posts with an Idempotency-Key have theirs too', async () => {
  const posts = await Promise.all(
    Array.from({ length: 20 }, (_, index) => create(index % 2 ? 'none' : `#tag${index}`)),
  );
  for (const [index, post] of posts.entries()) {
    const { entities } = (await service.as().getPost({ id: post.id })).post ?? assert.fail();
    assert.deepEqual(
      entities,
      index % 2 ? [] : [entity(0, `#tag${index}`.length, { hashtag: { tag: `tag${index}` } })],
    );
    assert.deepEqual(post.entities, entities);
  }
  const key = Metadata({ 'idempotency-key': 'key' });
  const post = await create('#once', key);
  assert.deepEqual(post.entities, [entity(0, 5, { hashtag: { tag: 'once' } })]);
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, post);
  assert.deepEqual(await create('#once', key), post);
});

test('50 people are found, and what comes after them is text', async () => {
  const post = await create('@bob '.repeat(60));
  assert.equal(post.entities.length, 50);
  assert.ok(post.entities.every(({ mention }) => mention?.userId === bob));
});
