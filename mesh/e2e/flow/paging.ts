import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import {
  feedPage,
  feedTexts,
  follow,
  type Post,
  post,
  readFeed,
  readPosts,
  remove,
  signUpAll,
} from '../testing/people.ts';
import { windowEntries } from './window.ts';

/** Lists and feeds page by page to their ends. */
export const paging: Cases = {
  'pages go to the end, below the window too, without repeats or gaps while new posts arrive': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    await follow(api, reader, author);
    await feedPage(api, reader);
    const before: string[] = [];
    const count = windowEntries * 8;
    for (let number = 0; number < count; number += 1) {
      before.unshift((await post(api, [author, reader][number % 2] ?? author, `post ${number}`)).text);
    }
    await world.settled();
    for (const pageSize of [1, 7, 20, 100]) assert.deepEqual(await feedTexts(api, reader, pageSize), before);

    const seen: Post[] = [];
    const sizes = new Set<number>();
    let pageToken = '';
    for (let page = 0; page <= count; page += 1) {
      const answer = await feedPage(api, reader, { pageSize: '7', pageToken });
      sizes.add(answer.items.length);
      seen.push(...answer.items.map((item) => item.post));
      pageToken = answer.nextPageToken;
      if (pageToken === '') break;
      await post(api, page % 2 === 0 ? author : reader, `arrives at page ${page}`);
    }
    assert.deepEqual(
      seen.map((found) => found.text),
      before,
    );
    assert.deepEqual([...sizes], [7, count % 7], 'no page but the last is short');
  },

  'what is deleted while one pages is missing, and nothing else': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    await follow(api, reader, author);
    await feedPage(api, reader);
    const posts: Post[] = [];
    for (let number = 0; number < windowEntries * 3; number += 1) posts.unshift(await post(api, author, `${number}`));
    await world.settled();
    const first = await feedPage(api, reader, { pageSize: '5' });
    const doomed = posts.filter((_, index) => index >= 3 && index % 3 === 0);
    for (const victim of doomed) await remove(api, author, victim);
    const rest: string[] = [];
    for (let pageToken = first.nextPageToken; pageToken !== ''; ) {
      const answer = await feedPage(api, reader, { pageSize: '5', pageToken });
      rest.push(...answer.items.map((item) => item.post.id));
      if (answer.nextPageToken !== '') assert.equal(answer.items.length, 5, 'a filtered page is filled up');
      pageToken = answer.nextPageToken;
    }
    const left = posts.slice(5).filter((candidate) => !doomed.includes(candidate));
    assert.deepEqual(
      rest,
      left.map(({ id }) => id),
    );
  },

  'many posts of one millisecond are each there once': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    await follow(api, reader, author);
    const made = await Promise.all(Array.from({ length: 40 }, (_, number) => post(api, author, `at once ${number}`)));
    await world.settled();
    const order = (a: Post, b: Post): number =>
      Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.id < b.id ? 1 : -1);
    const expected = made.toSorted(order).map(({ id }) => id);
    for (const pageSize of [3, 100]) {
      const found = await readFeed(api, reader, pageSize);
      assert.deepEqual(
        found.map(({ id }) => id),
        expected,
      );
    }
    const listed = await readPosts(api, author, undefined, 7);
    assert.deepEqual(
      listed.map(({ id }) => id),
      expected,
    );
  },

  'page sizes: 0 is the default, too many is the maximum': async (world) => {
    const { api } = world;
    const [author] = await signUpAll(api, 1);
    assert(author);
    await Promise.all(Array.from({ length: 105 }, (_, number) => post(api, author, `${number}`)));
    for (const [pageSize, length] of [
      ['0', 20],
      ['', 20],
      ['1000', 100],
      ['2147483647', 100],
    ] as const) {
      const query: Record<string, string> = pageSize === '' ? {} : { pageSize };
      assert.equal((await feedPage(api, author, query)).items.length, length, `feed, pageSize=${pageSize}`);
      const path = `/users/me/posts?${new URLSearchParams(query)}`;
      const listed: { posts: unknown[] } = await api.get({ path, token: author.accessToken });
      assert.equal(listed.posts.length, length, `posts, pageSize=${pageSize}`);
    }
  },

  'a page token works for its own list only': async (world) => {
    const { api } = world;
    const [author, other] = await signUpAll(api, 2);
    assert(author && other);
    for (let number = 0; number < 3; number += 1) {
      await post(api, author, `${number}`);
      await post(api, other, `${number}`);
    }
    const feedToken = (await feedPage(api, author, { pageSize: '1' })).nextPageToken;
    const path = `/users/${author.id}/posts?pageSize=1`;
    const listToken = (await api.get<{ nextPageToken: string }>({ path })).nextPageToken;
    assert.notEqual(feedToken, '');
    assert.notEqual(listToken, '');
    const foreign = [
      { path: `/feed?pageToken=${feedToken}`, token: other.accessToken },
      { path: `/feed?pageToken=${listToken}`, token: author.accessToken },
      { path: `/users/${author.id}/posts?pageToken=${feedToken}`, token: author.accessToken },
      { path: `/users/${other.id}/posts?pageToken=${listToken}` },
      { path: `/feed?pageToken=${feedToken.slice(0, -3)}`, token: author.accessToken },
      { path: `/feed?pageToken=${'A'.repeat(40)}`, token: author.accessToken },
    ];
    for (const request of foreign) {
      const error = await refusal(api, request);
      assert.deepEqual([error.status, error.reason, error.fields], [400, 'PAGE_TOKEN_INVALID', ['pageToken']]);
    }
    // Whose posts they are decides, not how they are named or who asks.
    const me = { path: `/users/me/posts?pageSize=1&pageToken=${listToken}`, token: author.accessToken };
    assert.equal((await api.get<{ posts: Post[] }>(me)).posts[0]?.text, '1');
  },
};
