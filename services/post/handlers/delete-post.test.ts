import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata } from 'nice-grpc-common';
import type { Post } from '#gen/oxo/post/v1/post.ts';
import { PostDeleted } from '#gen/oxo/post/v1/post_events.ts';
import { DAY_MS, HOUR_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { refused } from '#kit/testing/refused.ts';
import { createDeletedPosts } from '../posts/deleted-posts.ts';

import { freshPost } from '../testing/fresh-post.ts';
import { ownTimeline } from '../testing/own-timeline.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let ann: string;
let bob: string;
let post: Post;
before(async () => {
  service = await startPostService({ withUser: false });
  ann = await service.addUser('ann');
  bob = await service.addUser('bob');
});
after(() => service.close());
beforeEach(async () => {
  post = await freshPost(service, ann);
});

test('a post is gone everywhere before the answer', async () => {
  let status: string | undefined;
  await service.as(ann).deletePost(
    { id: post.id },
    {
      onHeader: (header) => {
        status = header.get('x-http-code');
      },
    },
  );
  assert.equal(status, '204');
  await assert.rejects(service.as(ann).getPost({ id: post.id }), refused('POST_NOT_FOUND'));
  await assert.rejects(service.as(ann).updatePost({ id: post.id, text: 'a' }), refused('POST_NOT_FOUND'));
  const model = createReadModel(service.redis, { prefix: 'post', ttlMs: 1 });
  assert.deepEqual(await model.getMany([post.id]), ['deleted']);
  assert.ok(!(await ownTimeline(service.redis, ann)).some(({ id }) => id === post.id));
  const [event] = await service.events();
  assert.equal(event?.subject, 'post.deleted');
  assert.equal(PostDeleted.decode(event?.payload ?? Buffer.alloc(0)).post?.text, 'first');
});

test('again it is answered the same, at once or later, to its author only', async () => {
  await Promise.all([1, 2, 3].map(() => service.as(ann).deletePost({ id: post.id })));
  await service.as(ann).deletePost({ id: post.id });
  assert.equal((await service.events()).length, 1);
  await assert.rejects(service.as(bob).deletePost({ id: post.id }), refused('POST_NOT_FOUND'));
});

test('for a day', async () => {
  await service.as(ann).deletePost({ id: post.id });
  const cleanUpAfter = (ms: number) =>
    createDeletedPosts(service.db, { nowMs: () => service.clock.nowMs() + ms }).cleanUp();
  await cleanUpAfter(DAY_MS - HOUR_MS);
  await service.as(ann).deletePost({ id: post.id });
  await cleanUpAfter(DAY_MS + HOUR_MS);
  await assert.rejects(service.as(ann).deletePost({ id: post.id }), refused('POST_NOT_FOUND'));
});

test("what is not one's own, or is no post, is not deleted", async () => {
  await assert.rejects(service.as(bob).deletePost({ id: post.id }), refused('NOT_AUTHOR'));
  await assert.rejects(service.as(ann).deletePost({ id: newId(1) }), refused('POST_NOT_FOUND'));
  await assert.rejects(service.as(ann).deletePost({ id: 'x' }), refused('VALIDATION_FAILED', 'id'));
  await assert.rejects(service.as().deletePost({ id: post.id }), refused('TOKEN_MISSING'));
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, post);
});

test('with If-Match a post is deleted only as it was seen', async () => {
  const { post: changed } = await service.as(ann).updatePost({ id: post.id, text: 'second' });
  assert.ok(changed);
  const deleteIf = (ifMatch: string) =>
    service.as(ann).deletePost({ id: post.id }, { metadata: Metadata({ 'if-match': ifMatch }) });
  await assert.rejects(deleteIf(post.etag), refused('ETAG_MISMATCH'));
  await assert.rejects(deleteIf('x'), refused('VALIDATION_FAILED', 'If-Match'));
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, changed);
  assert.equal((await service.events()).length, 1);
  await deleteIf(changed.etag);
  await assert.rejects(service.as().getPost({ id: post.id }), refused('POST_NOT_FOUND'));
  await deleteIf(changed.etag);
  assert.equal((await service.events()).length, 2);
});
