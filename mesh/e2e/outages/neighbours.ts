import assert from 'node:assert/strict';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { gather } from '../testing/crowd.ts';
import { feedTexts, type Person, post, signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

const awayMs = 3_000;

async function warmReader({ api, settled }: World): Promise<{ author: Person; reader: Person }> {
  const { authors, followers } = await gather(api, 1, 1);
  const [author, reader] = [authors[0] as Person, followers[0] as Person];
  await post(api, author, 'first');
  await post(api, author, 'second');
  await settled();
  for (const person of [author, reader]) assert.deepEqual(await feedTexts(api, person), ['second', 'first']);
  return { author, reader };
}

/** A service that is away takes down only what needs it. */
export const neighbours: Cases = {
  'auth away: who is signed in reads and posts, and nobody signs in': async (world) => {
    const { api } = world;
    const { author, reader } = await warmReader(world);
    await world.outage('auth', awayMs, async () => {
      assert.deepEqual(await feedTexts(api, reader), ['second', 'first']);
      await post(api, author, 'without auth');
      assert.equal((await feedTexts(api, author))[0], 'without auth');
      const body = { identifier: reader.handle, password: reader.password };
      const error = await refusal(api, { method: 'POST', path: '/auth/login', body });
      assert.deepEqual([error.status, error.reason], [503, 'UNAVAILABLE']);
    });
    await signUp(api);
    await world.settled();
    assert.equal((await feedTexts(api, reader))[0], 'without auth');
  },

  'user away: warm feeds are read, posts are made, profiles are told to be away': async (world) => {
    const { api } = world;
    const { author, reader } = await warmReader(world);
    const closed = await post(api, author, 'for followers', 'FOLLOWERS');
    await world.settled();
    await world.outage('user', awayMs, async () => {
      assert.deepEqual(await feedTexts(api, reader), ['for followers', 'second', 'first']);
      await post(api, author, 'without user');
      assert.equal((await feedTexts(api, author))[0], 'without user');
      // Once the profile is told away by Envoy, once by a service that needs it; neither tells of our addresses.
      for (const path of [`/users/${author.id}`, `/posts/${closed.id}`]) {
        const error = await refusal(api, { path, token: reader.accessToken });
        assert.deepEqual([error.status, error.reason], [503, 'UNAVAILABLE']);
        assert.doesNotMatch(error.message, /127\.0\.0\.1|:\d{4,5}|ECONN/);
      }
    });
    await world.settled();
    assert.equal((await feedTexts(api, reader))[0], 'without user');
  },

  'post away: warm feeds are read': async (world) => {
    const { api } = world;
    const { author, reader } = await warmReader(world);
    await world.outage('post', awayMs, async () => {
      assert.deepEqual(await feedTexts(api, reader), ['second', 'first']);
      const error = await refusal(api, { path: `/users/${author.id}/posts` });
      assert.deepEqual([error.status, error.reason], [503, 'UNAVAILABLE']);
    });
  },

  'feed away: all else goes on, and the feeds are whole when it is back': async (world) => {
    const { api } = world;
    const { author, reader } = await warmReader(world);
    await world.outage('feed', awayMs, async () => {
      const error = await refusal(api, { path: '/feed', token: reader.accessToken });
      assert.deepEqual([error.status, error.reason], [503, 'UNAVAILABLE']);
      await post(api, author, 'without feed');
    });
    await world.settled();
    assert.deepEqual(await feedTexts(api, reader), ['without feed', 'second', 'first']);
  },
};
