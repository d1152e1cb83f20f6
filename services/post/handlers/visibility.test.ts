/** Who sees what, in every RPC that shows posts; with the real user service. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let ann: string;
let fan: string;
let stranger: string;
let open: Post;
let limited: Post;
before(async () => {
  service = await startPostService();
  ann = await service.addUser('ann');
  fan = await service.addUser('fan');
  stranger = await service.addUser('stranger');
  await service.follow(fan, ann);
  open = await create('open', Post_Visibility.PUBLIC);
  limited = await create('limited', Post_Visibility.FOLLOWERS);
});
after(() => service.close());

async function create(text: string, visibility: Post_Visibility): Promise<Post> {
  const { post } = await service.as(ann).createPost({ text, visibility });
  assert.ok(post);
  return post;
}

/** The texts of ann's posts that BatchGetPosts gives to the viewer. */
async function batch(viewerId: string): Promise<string[]> {
  const request = { ids: [open.id, limited.id, newId(1), open.id] };
  const { posts } = await service.internal('feed').batchGetPosts(request, await service.onBehalfOf(viewerId));
  assert.ok(posts.every((post) => post.author?.handle === 'ann'));
  return posts.map((post) => post.text).sort();
}

async function list(viewerId: string | undefined): Promise<string[]> {
  const { posts } = await service.as(viewerId).listUserPosts({ userId: ann });
  return posts.map((post) => post.text);
}

test('what is PUBLIC everyone sees', async () => {
  for (const viewer of [undefined, ann, fan, stranger]) {
    assert.deepEqual((await service.as(viewer).getPost({ id: open.id })).post, open);
  }
});

test('what is for FOLLOWERS the author and the followers see, in each RPC', async () => {
  for (const viewer of [ann, fan]) {
    assert.deepEqual((await service.as(viewer).getPost({ id: limited.id })).post, limited);
    const { revisions } = await service.as(viewer).listPostRevisions({ id: limited.id });
    assert.deepEqual(
      revisions.map(({ text }) => text),
      ['limited'],
    );
    assert.deepEqual(await list(viewer), ['limited', 'open']);
    assert.deepEqual(await batch(viewer), ['limited', 'open']);
  }
  for (const viewer of [undefined, stranger]) {
    await assert.rejects(service.as(viewer).getPost({ id: limited.id }), refused('POST_NOT_FOUND'));
    await assert.rejects(service.as(viewer).listPostRevisions({ id: limited.id }), refused('POST_NOT_FOUND'));
    assert.deepEqual(await list(viewer), ['open']);
  }
  assert.deepEqual(await batch(stranger), ['open']);
});

test('follow and unfollow count from the next call on', async () => {
  await service.follow(stranger, ann);
  assert.deepEqual(await list(stranger), ['limited', 'open']);
  await service.unfollow(stranger, ann);
  assert.deepEqual(await list(stranger), ['open']);
  assert.deepEqual(await batch(stranger), ['open']);
  await assert.rejects(service.as(stranger).getPost({ id: limited.id }), refused('POST_NOT_FOUND'));
});

test('a change by another is forbidden when that one may see the post, and not found when not', async () => {
  for (const change of [
    (viewer: string, id: string) => service.as(viewer).updatePost({ id, text: 'mine now' }),
    (viewer: string, id: string) => service.as(viewer).deletePost({ id }),
  ]) {
    await assert.rejects(change(stranger, open.id), refused('NOT_AUTHOR'));
    await assert.rejects(change(fan, limited.id), refused('NOT_AUTHOR'));
    await assert.rejects(change(stranger, limited.id), refused('POST_NOT_FOUND'));
    await assert.rejects(change(ann, newId(1)), refused('POST_NOT_FOUND'));
  }
  assert.deepEqual(await list(ann), ['limited', 'open']);
});

test('a user who does not exist has no list', async () => {
  await assert.rejects(service.as(ann).listUserPosts({ userId: newId(1) }), refused('USER_NOT_FOUND'));
  await assert.rejects(service.as().listUserPosts({ userId: newId(1) }), refused('USER_NOT_FOUND'));
  await assert.rejects(service.as(newId(1)).createPost({ text: 'by nobody' }), refused('USER_NOT_FOUND'));
});

test('BatchGetPosts fills the read model with what it has read', async () => {
  const model = createReadModel(service.redis, { prefix: 'post', ttlMs: 1 });
  await service.restartRedis();
  assert.deepEqual(await model.getMany([open.id, limited.id]), [undefined, undefined]);
  assert.deepEqual(await batch(fan), ['limited', 'open']);
  await until('both are there', async () => (await model.getMany([open.id, limited.id])).every(Buffer.isBuffer));
});

test('BatchGetPosts takes 1 to 200 ids, and nothing else', async () => {
  const wrong: [ids: string[], field: string][] = [
    [[], 'ids'],
    [['x'], 'ids.0'],
    [Array.from({ length: 201 }, () => newId(1)), 'ids'],
  ];
  for (const [ids, field] of wrong) {
    await assert.rejects(
      service.internal('feed').batchGetPosts({ ids }, await service.onBehalfOf(fan)),
      refused('VALIDATION_FAILED', field),
    );
  }
});
