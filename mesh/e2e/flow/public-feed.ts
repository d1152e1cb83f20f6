import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { edit, type FeedPage, type Post, post, remove, signUpAll } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

/** The newest posts of all, as far as these people wrote them: others write too. */
async function textsOf({ api }: World, authorIds: readonly string[], token?: string): Promise<string[]> {
  const texts: string[] = [];
  let pageToken = '';
  do {
    const query = new URLSearchParams({ pageSize: '3', pageToken });
    const page = await api.get<FeedPage>({ path: `/feed/public?${query}`, ...(token === undefined ? {} : { token }) });
    const theirs = page.items.filter((item) => authorIds.includes(item.post.author.id));
    assert.ok(page.items.every(({ reason, post }) => reason === 'PUBLIC_POST' && post.visibility === 'PUBLIC'));
    texts.push(...theirs.map((item) => item.post.text));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return texts;
}

export const publicFeed: Cases = {
  'everybody reads the newest public posts of all; what is deleted or no longer public is gone at once': async (
    world,
  ) => {
    const { api } = world;
    const people = await signUpAll(api, 2);
    const [ann, bob] = people;
    assert(ann && bob);
    const ids = people.map(({ id }) => id);
    const texts = Array.from({ length: 8 }, (_, number) => `public ${number}`);
    const posts: Post[] = [];
    for (const [number, text] of texts.entries()) posts.unshift(await post(api, number % 2 === 0 ? ann : bob, text));
    await post(api, ann, 'for followers', 'FOLLOWERS');
    assert.deepEqual(await textsOf(world, ids), texts.toReversed());
    const [newest, second] = posts;
    assert(newest && second);
    await remove(api, bob, newest);
    await edit(api, ann, second, { visibility: 'FOLLOWERS' });
    assert.deepEqual(await textsOf(world, ids), texts.slice(0, 6).toReversed());
    assert.deepEqual(await textsOf(world, ids, ann.accessToken), texts.slice(0, 6).toReversed());
  },
};
