import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { type Api, refusal } from '../testing/client.ts';
import {
  edit,
  feedTexts,
  follow,
  type Person,
  type Post,
  post,
  readPosts,
  remove,
  revisions,
  signUpAll,
  unfollow,
} from '../testing/people.ts';

async function requireHidden(api: Api, { id }: Post, viewer?: Person): Promise<void> {
  const error = await refusal(api, { path: `/posts/${id}`, token: viewer?.accessToken });
  assert.deepEqual([error.status, error.reason], [404, 'POST_NOT_FOUND']);
}

async function requireShown(api: Api, shown: Post, viewer?: Person): Promise<void> {
  const answer = await api.get<{ post: Post }>({ path: `/posts/${shown.id}`, token: viewer?.accessToken });
  assert.deepEqual(answer.post, shown);
}

/** Posts that only followers may see. */
export const visibility: Cases = {
  'are seen by followers while they follow, and by nobody else': async (world) => {
    const { api } = world;
    const [author, follower, stranger] = await signUpAll(api, 3);
    assert(author && follower && stranger);
    await follow(api, follower, author);
    // To be followed by the author gives no right.
    await follow(api, author, stranger);
    const open = await post(api, author, 'for all');
    const closed = await post(api, author, 'for followers', 'FOLLOWERS');
    assert.equal(closed.visibility, 'FOLLOWERS');
    await until('the feed has both', async () => (await feedTexts(api, follower)).length === 2);

    await requireShown(api, closed, author);
    await requireShown(api, closed, follower);
    await requireHidden(api, closed, stranger);
    await requireHidden(api, closed);
    const texts = async (viewer?: Person): Promise<string[]> =>
      (await readPosts(api, author, viewer)).map(({ text }) => text);
    assert.deepEqual(await texts(author), ['for followers', 'for all']);
    assert.deepEqual(await texts(follower), ['for followers', 'for all']);
    assert.deepEqual(await texts(stranger), ['for all']);
    assert.deepEqual(await texts(), ['for all']);
    await requireShown(api, open, stranger);
    assert.deepEqual(await feedTexts(api, stranger), []);

    await unfollow(api, follower, author);
    await requireHidden(api, closed, follower);
    assert.deepEqual(await texts(follower), ['for all']);
    assert.deepEqual(await feedTexts(api, follower), []);
    await follow(api, follower, author);
    await requireShown(api, closed, follower);
  },

  'a post that is hidden cannot be told from one that is not there, whoever tries to change it': async (world) => {
    const { api } = world;
    const [author, stranger] = await signUpAll(api, 2);
    assert(author && stranger);
    const closed = await post(api, author, 'for followers', 'FOLLOWERS');
    const missing = { ...closed, id: '01890000-0000-7000-8000-000000000001' };
    const answers = await Promise.all(
      [closed, missing].flatMap(({ id }) => [
        refusal(api, { path: `/posts/${id}`, token: stranger.accessToken }),
        refusal(api, { method: 'PATCH', path: `/posts/${id}`, token: stranger.accessToken, body: { text: 'mine' } }),
        refusal(api, { method: 'DELETE', path: `/posts/${id}`, token: stranger.accessToken }),
      ]),
    );
    for (const { status, reason } of answers) assert.deepEqual([status, reason], [404, 'POST_NOT_FOUND']);
    await requireShown(api, closed, author);
  },

  'the history of a post is seen by those who see the post, and goes with it': async (world) => {
    const { api } = world;
    const [author, stranger] = await signUpAll(api, 2);
    assert(author && stranger);
    const created = await post(api, author, 'one');
    for (const text of ['two', 'three', 'four']) await edit(api, author, created, { text });
    const texts = ['four', 'three', 'two', 'one'];
    for (const viewer of [undefined, stranger]) assert.deepEqual(await revisions(api, created, viewer), texts);
    await edit(api, author, created, { visibility: 'FOLLOWERS' });
    assert.deepEqual(await revisions(api, created, author), texts);
    const hidden = async (viewer?: Person) => {
      const path = `/posts/${created.id}/revisions`;
      const { status, reason } = await refusal(api, { path, token: viewer?.accessToken });
      assert.deepEqual([status, reason], [404, 'POST_NOT_FOUND']);
    };
    await hidden();
    await hidden(stranger);
    await remove(api, author, created);
    await hidden(author);
  },

  'a post changes its visibility at once': async (world) => {
    const { api } = world;
    const [author, follower, stranger] = await signUpAll(api, 3);
    assert(author && follower && stranger);
    await follow(api, follower, author);
    const created = await post(api, author, 'open or closed');
    await until('it is there', async () => (await feedTexts(api, follower)).length === 1);
    for (let round = 0; round < 5; round += 1) {
      const closed = await edit(api, author, created, { visibility: 'FOLLOWERS' });
      await requireHidden(api, closed, stranger);
      await requireShown(api, closed, follower);
      assert.deepEqual(await feedTexts(api, follower), ['open or closed']);
      const opened = await edit(api, author, created, { visibility: 'PUBLIC' });
      await requireShown(api, opened);
    }
  },
};
