import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import {
  edit,
  type FeedPage,
  feedPage,
  feedTexts,
  follow,
  post,
  remove,
  signUp,
  signUpAll,
  unfollow,
} from '../testing/people.ts';

/** Each change is made that often: what is true by luck shows. */
const rounds = 10;

/** Posts in feeds, and that every change is true with the first read after its answer. */
export const feeds: Cases = {
  'a post is in the feeds of the followers and of its author, and in nobody else’s': async (world) => {
    const { api } = world;
    const [author, follower, stranger] = await signUpAll(api, 3);
    assert(author && follower && stranger);
    await follow(api, follower, author);
    assert.deepEqual(await feedTexts(api, follower), []);

    const created = await post(api, author, 'Hello, 世界 👋🏽\n\tsecond line');
    assert.equal(created.text, 'Hello, 世界 👋🏽\n\tsecond line');
    assert.equal(created.visibility, 'PUBLIC');
    assert.deepEqual(created.author, {
      id: author.id,
      handle: author.handle,
      displayName: author.displayName,
    });
    assert.equal(created.editedAt, undefined);
    const own = await feedPage(api, author);
    assert.deepEqual(own.items, [{ post: created, reason: 'OWN_POST' }], 'in one’s own feed at once');

    const page = await until('the post is in the follower’s feed', async () => {
      const answer = await feedPage(api, follower);
      return answer.items.length > 0 && answer;
    });
    assert.deepEqual([page.items, page.nextPageToken], [[{ post: created, reason: 'FOLLOWED_AUTHOR' }], '']);
    await world.settled();
    assert.deepEqual(await feedTexts(api, stranger), []);
    assert.deepEqual(await feedTexts(api, author), [created.text], 'once, also after the fan-out');
    const read = await api.get<{ post: unknown }>({ path: `/posts/${created.id}` });
    assert.deepEqual(read.post, created, 'without credentials');
  },

  'feeds hold the posts of all whom one follows, newest first': async (world) => {
    const { api } = world;
    const [reader, ...authors] = await signUpAll(api, 4);
    assert(reader);
    for (const author of authors.slice(0, 2)) await follow(api, reader, author);
    await feedPage(api, reader);
    const expected: string[] = [];
    for (let number = 0; number < 9; number += 1) {
      const author = [...authors, reader][number % 4];
      assert(author);
      await post(api, author, `post ${number}`);
      if (author !== authors[2]) expected.unshift(`post ${number}`);
    }
    await world.settled();
    assert.deepEqual(await feedTexts(api, reader), expected);
    assert.deepEqual(await feedTexts(api, reader, 2), expected);
  },

  'an edit is in the feeds with the first read after its answer': async (world) => {
    const { api } = world;
    const [author, follower] = await signUpAll(api, 2);
    assert(author && follower);
    await follow(api, follower, author);
    const created = await post(api, author, 'first');
    await until('it is there', async () => (await feedTexts(api, follower)).length === 1);
    for (let round = 0; round < rounds; round += 1) {
      const edited = await edit(api, author, created, { text: `version ${round}` });
      assert.ok(edited.editedAt !== undefined && edited.editedAt >= created.createdAt);
      const [theirs, own]: FeedPage[] = await Promise.all([feedPage(api, follower), feedPage(api, author)]);
      assert.deepEqual(theirs?.items[0]?.post, edited);
      assert.deepEqual(own?.items[0]?.post, edited);
    }
    const unchanged = await edit(api, author, created, {});
    assert.equal(unchanged.text, `version ${rounds - 1}`);
  },

  'a delete is gone from every feed with the first read after its answer': async (world) => {
    const { api } = world;
    const [author, follower] = await signUpAll(api, 2);
    assert(author && follower);
    await follow(api, follower, author);
    for (let round = 0; round < rounds; round += 1) {
      const created = await post(api, author, `round ${round}`);
      // Every other one is deleted before or while it is fanned out.
      if (round % 2 === 0) await until('it is there', async () => (await feedTexts(api, follower)).length === 1);
      await remove(api, author, created);
      assert.deepEqual(await feedTexts(api, follower), []);
      assert.deepEqual(await feedTexts(api, author), []);
      assert.equal((await refusal(api, { path: `/posts/${created.id}` })).reason, 'POST_NOT_FOUND');
      await remove(api, author, created);
    }
    await world.settled();
    assert.deepEqual(await feedTexts(api, follower), [], 'nothing came back with the fan-out');
  },

  'a follow brings the posts that are there already, an unfollow takes them away, each at once': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    await post(api, author, 'older');
    await post(api, author, 'newer');
    await post(api, reader, 'own');
    for (let round = 0; round < rounds; round += 1) {
      await follow(api, reader, author);
      assert.deepEqual(await feedTexts(api, reader), ['own', 'newer', 'older']);
      await unfollow(api, reader, author);
      assert.deepEqual(await feedTexts(api, reader), ['own']);
    }
  },

  'posts made while one follows and unfollows are there when one follows': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    const texts: string[] = [];
    const write = async (): Promise<void> => {
      for (let number = 0; number < 20; number += 1) texts.push((await post(api, author, `post ${number}`)).text);
    };
    const turn = async (): Promise<void> => {
      for (let round = 0; round < 8; round += 1) {
        await follow(api, reader, author);
        await feedPage(api, reader);
        await unfollow(api, reader, author);
        assert.deepEqual(await feedTexts(api, reader), []);
      }
    };
    await Promise.all([write(), turn()]);
    await follow(api, reader, author);
    await world.settled();
    assert.deepEqual(await feedTexts(api, reader), texts.toReversed());
  },

  'a new name is shown beside one’s posts': async (world) => {
    const { api } = world;
    const author = await signUp(api);
    await post(api, author, 'by whom?');
    const change = { method: 'PATCH', path: '/users/me', token: author.accessToken } as const;
    for (let round = 0; round < rounds; round += 1) {
      await api.get({ ...change, body: { displayName: `Name ${round}` } });
      const { items } = await feedPage(api, author);
      assert.equal(items[0]?.post.author.displayName, `Name ${round}`);
    }
  },
};
