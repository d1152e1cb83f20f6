import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Cases } from '../testing/cases.ts';
import { type ApiRequest, refusal } from '../testing/client.ts';
import { type Person, type Post, readPosts, remove, signUpAll } from '../testing/people.ts';

function create(author: Person, key: string, text: string): ApiRequest {
  return {
    method: 'POST',
    path: '/posts',
    token: author.accessToken,
    headers: { 'idempotency-key': key },
    body: { text },
  };
}

/** A request that is sent twice. */
export const idempotency: Cases = {
  'the first answer is replayed, another body is refused, another person’s key is another key': async (world) => {
    const { api } = world;
    const [author, other] = await signUpAll(api, 2);
    assert(author && other);
    const key = randomUUID();
    const first = await api.call(create(author, key, 'once'));
    const second = await api.call(create(author, key, 'once'));
    assert.deepEqual([second.status, second.body], [201, first.body]);
    const reused = await refusal(api, create(author, key, 'twice'));
    assert.deepEqual([reused.status, reused.reason], [409, 'IDEMPOTENCY_KEY_REUSED']);
    assert.equal((await readPosts(api, author)).length, 1);
    const theirs = await api.get<{ post: Post }>(create(other, key, 'once'));
    assert.notEqual(theirs.post.id, (first.body as { post: Post }).post.id);

    await remove(api, author, (first.body as { post: Post }).post);
    assert.deepEqual((await api.call(create(author, key, 'once'))).body, first.body);
    assert.deepEqual(await readPosts(api, author), [], 'a replay does not bring back what was deleted');
  },

  'a request that spells out a default, or has a field that nobody knows, is the same': async (world) => {
    const { api } = world;
    const [author] = await signUpAll(api, 1);
    assert(author);
    const key = randomUUID();
    const first = await api.call(create(author, key, 'same'));
    for (const more of [{ visibility: 'PUBLIC' }, { visibility: 1 }, { unknown: true }]) {
      const request = create(author, key, 'same');
      assert.deepEqual((await api.call({ ...request, body: { text: 'same', ...more } })).body, first.body);
    }
    const other = { ...create(author, key, 'same'), body: { text: 'same', visibility: 'FOLLOWERS' } };
    assert.equal((await refusal(api, other)).reason, 'IDEMPOTENCY_KEY_REUSED');
  },

  'of twins one writes, and each gets its answer or is told to try again': async (world) => {
    const { api } = world;
    const [author] = await signUpAll(api, 1);
    assert(author);
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 12 }, () => api.call(create(author, key, 'one of many'))));
    const created = answers.filter(({ status }) => status === 201);
    assert.ok(created.length > 0);
    for (const { body } of created) assert.deepEqual(body, created[0]?.body);
    for (const { status, body } of answers) {
      if (status === 201) continue;
      assert.equal(status, 409);
      assert.match(JSON.stringify(body), /IDEMPOTENCY_KEY_IN_USE/);
    }
    const found = await readPosts(api, author);
    assert.deepEqual(
      found.map(({ text }) => text),
      ['one of many'],
    );
  },
};
