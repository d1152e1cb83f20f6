import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Metadata } from 'nice-grpc-common';
import { Post, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import { PostUpdated } from '#gen/oxo/post/v1/post_events.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';

import { isRefused, refused } from '#kit/testing/refused.ts';
import { freshPost } from '../testing/fresh-post.ts';
import { startPostService, type TestPostService } from '../testing/post-service.ts';

let service: TestPostService;
let ann: string;
let post: Post;
before(async () => {
  service = await startPostService({ withUser: false });
  ann = await service.addUser('ann');
});
after(() => service.close());
beforeEach(async () => {
  post = await freshPost(service, ann);
});

async function published(): Promise<Post | undefined> {
  const [payload] = await createReadModel(service.redis, { prefix: 'post', ttlMs: 1 }).getMany([post.id]);
  return Buffer.isBuffer(payload) ? Post.decode(payload) : undefined;
}

test('the fields that are present change, and the event and Redis tell it', async () => {
  const { post: updated } = await service.as(ann).updatePost({ id: post.id, text: 'second' });
  assert.ok(updated?.editedAt);
  assert.notEqual(updated.etag, post.etag);
  assert.deepEqual({ ...updated, editedAt: undefined }, { ...post, text: 'second', etag: updated.etag });
  assert.deepEqual(await published(), { ...updated, author: undefined });
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, updated);

  const limited = await service.as(ann).updatePost({ id: post.id, visibility: Post_Visibility.FOLLOWERS });
  assert.equal(limited.post?.text, 'second');
  await assert.rejects(service.as().getPost({ id: post.id }), refused('POST_NOT_FOUND'));

  const events = await service.events();
  assert.deepEqual(
    events.map(({ subject, payload }) => [subject, PostUpdated.decode(payload).post?.visibility]),
    [
      ['post.updated', Post_Visibility.PUBLIC],
      ['post.updated', Post_Visibility.FOLLOWERS],
    ],
  );
  const [row] = await service.db.query<{ version: number }>(
    { name: 'test-version', text: 'select version::float8 from posts where id = $1' },
    [post.id],
  );
  assert.equal(row?.version, events[1]?.version);
});

test('nothing present, or nothing different, changes nothing', async () => {
  for (const same of [{}, { text: 'first' }, { text: 'first', visibility: Post_Visibility.PUBLIC }]) {
    assert.deepEqual((await service.as(ann).updatePost({ id: post.id, ...same })).post, post);
  }
  assert.deepEqual(await service.events(), []);
});

test('two edits at once are done one after the other', async () => {
  await Promise.all(
    Array.from({ length: 6 }, (_, index) => service.as(ann).updatePost({ id: post.id, text: `edit ${index}` })),
  );
  const last = (await service.events()).at(-1);
  assert.ok(last);
  const { text } = PostUpdated.decode(last.payload).post ?? assert.fail();
  assert.equal((await service.as().getPost({ id: post.id })).post?.text, text);
  assert.equal((await published())?.text, text);
});

test('bad input changes nothing', async () => {
  const update = (fields: object) => service.as(ann).updatePost({ id: post.id, ...fields });
  await assert.rejects(update({ text: '' }), refused('VALIDATION_FAILED', 'text'));
  await assert.rejects(update({ text: 'a\u0000' }), refused('VALIDATION_FAILED', 'text'));
  await assert.rejects(update({ visibility: 0 }), refused('VALIDATION_FAILED', 'visibility'));
  await assert.rejects(
    update({ id: 'x', text: '', visibility: 9 }),
    refused('VALIDATION_FAILED', 'id', 'text', 'visibility'),
  );
  await assert.rejects(service.as(ann).updatePost({ id: newId(1), text: 'a' }), refused('POST_NOT_FOUND'));
  await assert.rejects(service.as().updatePost({ id: post.id, text: 'a' }), refused('TOKEN_MISSING'));
  assert.deepEqual(await service.events(), []);
});

const withIfMatch = (ifMatch: string) => ({ metadata: Metadata({ 'if-match': ifMatch }) });

test('with the etag of the present state a post is changed, and the answer tells the new one', async () => {
  const sent: (string | undefined)[] = [];
  const onHeader = (header: Metadata) => void sent.push(header.get('etag'));
  let { etag } = post;
  for (const [index, condition] of [
    (right: string) => ({ options: withIfMatch(right), field: '' }),
    (right: string) => ({ options: withIfMatch(`"other", ${right}`), field: '' }),
    (right: string) => ({ options: withIfMatch(right), field: right }),
    (right: string) => ({ options: {}, field: right }),
    () => ({ options: withIfMatch('*'), field: '' }),
  ].entries()) {
    const { options, field } = condition(etag);
    const request = { id: post.id, text: `text ${index}`, etag: field };
    const { post: updated } = await service.as(ann).updatePost(request, { ...options, onHeader });
    assert.ok(updated);
    assert.notEqual(updated.etag, etag);
    assert.deepEqual(sent.splice(0), [updated.etag]);
    etag = updated.etag;
  }
  assert.equal((await service.events()).length, 5);
  const shown = await service.as().getPost({ id: post.id }, { onHeader });
  assert.deepEqual([shown.post?.etag, ...sent], [etag, etag]);
  const unchanged = await service.as(ann).updatePost({ id: post.id, text: 'text 4' }, withIfMatch(etag));
  assert.equal(unchanged.post?.etag, etag);
});

test('with another etag, a weak one or what is none nothing changes', async () => {
  const { etag: old } = post;
  const { post: present } = await service.as(ann).updatePost({ id: post.id, text: 'second' });
  const events = await service.events();
  const update = (ifMatch: string | undefined, fields: object = {}, as = ann) =>
    service
      .as(as)
      .updatePost({ id: post.id, text: 'third', ...fields }, ifMatch === undefined ? {} : withIfMatch(ifMatch));
  await assert.rejects(update(old), refused('ETAG_MISMATCH'));
  await assert.rejects(update(old, { text: 'second' }), refused('ETAG_MISMATCH'));
  await assert.rejects(update(`W/${present?.etag}`), refused('ETAG_MISMATCH'));
  await assert.rejects(update(undefined, { etag: old }), refused('ETAG_MISMATCH'));
  await assert.rejects(update(present?.etag, { etag: old }), refused('ETAG_MISMATCH'));
  await assert.rejects(update('unquoted'), refused('VALIDATION_FAILED', 'If-Match'));
  await assert.rejects(update(undefined, { etag: 'e'.repeat(65) }), refused('VALIDATION_FAILED', 'etag'));
  await assert.rejects(update(old, { id: newId(1) }), refused('POST_NOT_FOUND'));
  const bob = await service.addUser('bob');
  await assert.rejects(update(old, {}, bob), refused('NOT_AUTHOR'));
  assert.deepEqual((await service.as().getPost({ id: post.id })).post, present);
  assert.deepEqual(await published(), { ...present, author: undefined });
  assert.equal((await service.events()).length, events.length);
});

test('of two who change the same state one is told', async () => {
  const edits = Array.from({ length: 6 }, (_, index) =>
    service.as(ann).updatePost({ id: post.id, text: `edit ${index}` }, withIfMatch(post.etag)),
  );
  const refusals = await Promise.all(edits.map((edit) => isRefused(edit, 'ETAG_MISMATCH')));
  assert.equal(refusals.filter(Boolean).length, 5);
  assert.equal((await service.as().listPostRevisions({ id: post.id })).revisions.length, 2);
});
