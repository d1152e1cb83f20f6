import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import {
  edit,
  type FeedPage,
  follow,
  type Post,
  post,
  readFeed,
  readPosts,
  signUpAll,
  type User,
} from '../testing/people.ts';

/** Changes that are meant for one state of a post, or of a profile. */
export const etags: Cases = {
  'a post has the same etag wherever it is shown, and another after a change': async (world) => {
    const { api } = world;
    const [author, follower] = await signUpAll(api, 2);
    assert(author && follower);
    await follow(api, follower, author);
    const created = await post(api, author, 'one');
    const everywhere = async ({ etag }: Post): Promise<void> => {
      const { headers, body } = await api.call({ path: `/posts/${created.id}` });
      assert.deepEqual([headers.etag, (body as { post: Post }).post.etag], [etag, etag]);
      assert.deepEqual(
        (await readPosts(api, author)).map((found) => found.etag),
        [etag],
      );
      const { items } = await api.get<FeedPage>({ path: '/feed/public?pageSize=100' });
      const shown = items.find((item) => item.post.id === created.id);
      assert.equal(shown?.post.etag, etag);
      await until('the feed shows it', async () => (await readFeed(api, follower))[0]?.etag === etag);
    };
    await everywhere(created);
    await everywhere(await edit(api, author, created, { text: 'two' }));
  },

  'a change and a delete that are meant for an older state are refused, and those for the present one done': async (
    world,
  ) => {
    const { api } = world;
    const [author] = await signUpAll(api, 1);
    assert(author);
    const old = await post(api, author, 'one');
    const request = { path: `/posts/${old.id}`, token: author.accessToken } as const;
    const patch = { ...request, method: 'PATCH', body: { text: 'three' } } as const;
    const present = await edit(api, author, old, { text: 'two' });
    const stale = [
      { ...patch, headers: { 'if-match': old.etag } },
      { ...patch, body: { text: 'three', etag: old.etag } },
      { ...request, method: 'DELETE', headers: { 'if-match': old.etag } },
    ] as const;
    for (const each of stale) {
      const { status, reason } = await refusal(api, each);
      assert.deepEqual([status, reason], [409, 'ETAG_MISMATCH']);
    }
    assert.deepEqual((await api.get<{ post: Post }>({ path: `/posts/${old.id}` })).post, present);
    const done = await api.call({ ...patch, headers: { 'if-match': `${old.etag}, ${present.etag}` } });
    const { etag } = (done.body as { post: Post }).post;
    assert.deepEqual([done.status, done.headers.etag], [200, etag]);
    assert.equal((await api.call({ ...request, method: 'DELETE', headers: { 'if-match': etag } })).status, 204);
    assert.deepEqual(await readPosts(api, author), []);
  },

  'a change of a profile that is meant for an older state is refused; follows make no new state': async (world) => {
    const { api } = world;
    const [person, other] = await signUpAll(api, 2);
    assert(person && other);
    const token = person.accessToken;
    const patch = { method: 'PATCH', path: '/users/me', token } as const;
    await follow(api, other, person);
    await follow(api, person, other);
    for (const path of ['/users/me', `/users/${person.id}`, `/users/by-handle/${person.handle}`]) {
      const { headers, body } = await api.call({ path, token });
      const { etag, followersCount } = (body as { user: User }).user;
      assert.deepEqual([headers.etag, etag, followersCount], [person.etag, person.etag, 1], path);
    }
    const phone = await api.call({ ...patch, body: { bio: 'by phone' }, headers: { 'if-match': person.etag } });
    const { user } = phone.body as { user: User };
    assert.deepEqual([phone.status, phone.headers.etag], [200, user.etag]);
    const stale = [
      { ...patch, body: { bio: 'by laptop' }, headers: { 'if-match': person.etag } },
      { ...patch, body: { bio: 'by laptop', etag: person.etag } },
    ] as const;
    for (const each of stale) {
      const { status, reason } = await refusal(api, each);
      assert.deepEqual([status, reason], [409, 'ETAG_MISMATCH']);
    }
    assert.deepEqual((await api.get<{ user: User }>({ path: '/users/me', token })).user, user);
  },
};
