import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata } from 'nice-grpc-common';
import { Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { PostCreated } from '#gen/oxo/post/v1/post_events.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';

import { refused } from '#kit/testing/refused.ts';
import { truncate } from '#kit/testing/truncate.ts';
import { ownTimeline } from '../testing/own-timeline.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let ann: string;
before(async () => {
  service = await startPostService({ withUser: false });
  ann = await service.addUser('ann');
});
after(() => service.close());
beforeEach(() => truncate(service.db, 'outbox', 'posts'));

const withKey = (key: string) => ({ metadata: Metadata({ 'idempotency-key': key }) });

test('a post is written with its event, and stands in Redis before the answer', async () => {
  const sent: (string | undefined)[] = [];
  const { post } = await service.as(ann).createPost(
    { text: 'Hello ☃' },
    {
      onHeader: (header) => {
        sent.push(header.get('x-http-code'), header.get('etag'));
      },
    },
  );
  assert.ok(post?.createdAt);
  assert.match(post.etag, /^"[\w-]+"$/);
  assert.deepEqual(sent, ['201', post.etag]);
  assert.deepEqual(post.author, { id: ann, handle: 'ann', displayName: 'ANN' });
  assert.equal(post.text, 'Hello ☃');
  assert.equal(post.visibility, Post_Visibility.PUBLIC);
  assert.equal(post.editedAt, undefined);

  const [event, ...others] = await service.events();
  assert.deepEqual(others, []);
  assert.ok(event);
  assert.equal(event.subject, 'post.created');
  const announced = PostCreated.decode(event.payload).post;
  assert.deepEqual(announced, { ...post, author: { id: ann, handle: '', displayName: '' }, etag: '' });

  const [payload] = await createReadModel(service.redis, { prefix: 'post', ttlMs: 1 }).getMany([post.id]);
  assert.ok(Buffer.isBuffer(payload));
  assert.deepEqual(Post.decode(payload), { ...post, author: undefined });
  assert.deepEqual(await ownTimeline(service.redis, ann), [
    { id: post.id, ownerId: ann, atMs: post.createdAt.getTime() },
  ]);
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, post);
});

test('the limits of the contract, to the character and to the byte', async () => {
  const create = (text: string) => service.as(ann).createPost({ text });
  for (const text of ['a'.repeat(5_000), '😀'.repeat(5_000), ' a '])
    assert.equal((await create(text)).post?.text, text);
  for (const text of ['', ' \n ', 'a'.repeat(5_001), `${'😀'.repeat(5_000)}a`, 'a\u0000']) {
    await assert.rejects(create(text), refused('VALIDATION_FAILED', 'text'));
  }
  for (const visibility of [2, 4, 99, -1] as Post_Visibility[]) {
    await assert.rejects(
      service.as(ann).createPost({ text: 'a', visibility }),
      refused('VALIDATION_FAILED', 'visibility'),
    );
  }
  await assert.rejects(
    service.as(ann).createPost({ text: '', visibility: 9 as Post_Visibility }),
    refused('VALIDATION_FAILED', 'text', 'visibility'),
  );
  assert.equal((await service.events()).length, 3);
});

test('nobody, and somebody without a profile, creates nothing', async () => {
  await assert.rejects(service.as().createPost({ text: 'a' }), refused('TOKEN_MISSING'));
  // The user service, which would know, is not there.
  await assert.rejects(service.as(newId(1)).createPost({ text: 'a' }), refused('UNAVAILABLE'));
  assert.deepEqual(await service.events(), []);
});

test('with an Idempotency-Key a repeated call gets the first answer, status included', async () => {
  const first = await service.as(ann).createPost({ text: 'once' }, withKey('key'));
  let status: string | undefined;
  const again = await service.as(ann).createPost(
    { text: 'once' },
    {
      ...withKey('key'),
      onHeader: (header) => {
        status = header.get('x-http-code');
      },
    },
  );
  assert.deepEqual(again, first);
  assert.equal(status, '201');
  assert.equal((await service.events()).length, 1);
  await assert.rejects(
    service.as(ann).createPost({ text: 'other' }, withKey('key')),
    refused('IDEMPOTENCY_KEY_REUSED'),
  );
  await assert.rejects(
    service.as(ann).createPost({ text: 'a' }, withKey('k'.repeat(256))),
    refused('VALIDATION_FAILED', 'Idempotency-Key'),
  );
});

test('a repeated call that spells out the default is the same request', async () => {
  const first = await service.as(ann).createPost({ text: 'once' }, withKey('default'));
  const again = { text: 'once', visibility: Post_Visibility.PUBLIC };
  assert.deepEqual(await service.as(ann).createPost(again, withKey('default')), first);
  const other = { text: 'once', visibility: Post_Visibility.FOLLOWERS };
  await assert.rejects(service.as(ann).createPost(other, withKey('default')), refused('IDEMPOTENCY_KEY_REUSED'));
});

test('twins at once make one post', async () => {
  const twins = await Promise.allSettled(
    Array.from({ length: 8 }, () => service.as(ann).createPost({ text: 'twin' }, withKey('twins'))),
  );
  const ids = new Set(twins.flatMap((twin) => (twin.status === 'fulfilled' ? [twin.value.post?.id] : [])));
  assert.equal(ids.size, 1);
  for (const twin of twins) {
    if (twin.status === 'rejected') refused('IDEMPOTENCY_KEY_IN_USE')(twin.reason);
  }
  assert.equal((await service.events()).length, 1);
});

test('the user service is asked only when the text has a handle, and without it nothing is written then', async () => {
  // It is not there.
  for (const text of ['#tag', 'https://oxo.example/@ann', 'ann@example.com', '@ a']) {
    assert.equal((await service.as(ann).createPost({ text })).post?.text, text);
  }
  const events = await service.events();
  await assert.rejects(service.as(ann).createPost({ text: 'Hi @bob' }), refused('UNAVAILABLE'));
  assert.equal((await service.events()).length, events.length);
});
