import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Cases } from '../testing/cases.ts';
import type { Api } from '../testing/client.ts';
import { feedsOf, gather } from '../testing/crowd.ts';
import { edit, feedTexts, follow, type Person, type Post, post, remove, unfollow } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

const awayMs = 2_500;

/** Sends a command as the administrator. */
async function administer({ stack }: World, command: string): Promise<void> {
  const client = new Redis(stack.urls.redis, { lazyConnect: true, retryStrategy: () => null });
  try {
    await client.connect();
    await client.call(command);
  } finally {
    client.disconnect();
  }
}

/** Two authors with posts, three followers with windows. */
async function society({
  api,
  settled,
}: World): Promise<{ authors: [Person, Person]; readers: Person[]; posts: Post[] }> {
  const { authors, followers } = await gather(api, 2, 3);
  const posts: Post[] = [];
  for (let number = 0; number < 12; number += 1) {
    posts.push(await post(api, authors[number % 2] as Person, `post ${number}`));
  }
  await settled();
  return { authors: authors as [Person, Person], readers: [...followers], posts };
}

type Change = { readonly removed: Post; readonly left: Person };

/** An edit, a delete and an unfollow, all answered. */
async function change(api: Api, { authors, readers, posts }: Awaited<ReturnType<typeof society>>): Promise<Change> {
  const [author] = authors;
  const [removed, edited, closed] = posts.filter((_, index) => index % 2 === 0) as [Post, Post, Post];
  const left = readers[0] as Person;
  await remove(api, author, removed);
  await edit(api, author, edited, { text: 'edited' });
  await edit(api, author, closed, { visibility: 'FOLLOWERS' });
  await unfollow(api, left, authors[1]);
  return { removed, left };
}

/** Redis may forget everything, come back with the past, or be away. */
export const redis: Cases = {
  'flushed: every page of every feed is the same': async (world) => {
    const { api } = world;
    const { authors, readers } = await society(world);
    const everybody = [...authors, ...readers];
    const before = await feedsOf(api, everybody);
    assert.equal(before[readers[0]?.handle ?? '']?.length, 12);
    for (let time = 0; time < 3; time += 1) {
      await administer(world, 'FLUSHALL');
      assert.deepEqual(await feedsOf(api, everybody), before);
    }
  },

  'flushed while posts are made, edited and deleted: what was answered holds': async (world) => {
    const { api } = world;
    const { authors, readers } = await society(world);
    const reader = readers[0] as Person;
    for (let round = 0; round < 6; round += 1) {
      const [first, second] = [await post(api, authors[0], `a ${round}`), await post(api, authors[0], `b ${round}`)];
      await administer(world, 'FLUSHALL');
      assert.deepEqual((await feedTexts(api, reader)).slice(0, 2), [`b ${round}`, `a ${round}`]);
      await Promise.all([edit(api, authors[0], first, { text: `c ${round}` }), administer(world, 'FLUSHALL')]);
      await Promise.all([remove(api, authors[0], second), administer(world, 'FLUSHALL')]);
      for (const viewer of [reader, authors[0]]) {
        assert.equal((await feedTexts(api, viewer))[0], `c ${round}`);
        assert.ok(!(await feedTexts(api, viewer)).includes(`b ${round}`));
      }
    }
  },

  'killed and back with an old snapshot: edits, deletes and unfollows made since hold': async (world) => {
    const { api, stateDir } = world;
    const people = await society(world);
    const everybody = [...people.authors, ...people.readers];
    // All of it is warm, so that the snapshot holds what will be wrong.
    await feedsOf(api, everybody);
    await administer(world, 'SAVE');
    assert.ok(existsSync(join(stateDir, 'data/redis/dump.rdb')));

    const { removed, left } = await change(api, people);
    await post(api, people.authors[0], 'after the snapshot');
    await world.settled();
    const expected = await feedsOf(api, everybody);
    await world.kill('redis');
    assert.ok((await restoredKeys(world)) > 0, 'the snapshot was not loaded: the test would prove nothing');
    assert.deepEqual(await feedsOf(api, everybody), expected);
    const texts = expected[people.readers[1]?.handle ?? ''] ?? [];
    assert.ok(texts.includes('edited') && texts.includes('after the snapshot') && !texts.includes(removed.text));
    assert.ok(!(expected[left.handle] ?? []).some((text) => /^post (1|3|5|7|9|11)$/.test(text)), 'the unfollow');

    await post(api, people.authors[0], 'after the restart');
    await world.settled();
    assert.equal((await feedTexts(api, people.readers[1] as Person))[0], 'after the restart');
  },

  'away: feeds are read from Postgres, writes are answered, and hold when it is back': async (world) => {
    const { api } = world;
    const people = await society(world);
    const everybody = [...people.authors, ...people.readers];
    const before = await feedsOf(api, everybody);
    const newcomer = people.readers[2] as Person;
    let meanwhile: Record<string, string[]> = {};
    await world.outage('redis', awayMs * 4, async () => {
      assert.deepEqual(await feedsOf(api, everybody), before);
      const { left } = await change(api, people);
      await unfollow(api, newcomer, people.authors[1]);
      await follow(api, newcomer, people.authors[1]);
      await post(api, people.authors[0], 'while Redis is away');
      meanwhile = await feedsOf(api, everybody);
      assert.equal(meanwhile[newcomer.handle]?.[0], 'while Redis is away');
      assert.ok(meanwhile[newcomer.handle]?.includes('edited'));
      assert.ok(!meanwhile[left.handle]?.includes('post 1'));
    });
    assert.deepEqual(await feedsOf(api, everybody), meanwhile);
    await world.settled();
    assert.deepEqual(await feedsOf(api, everybody), meanwhile);
  },
};

/** Keys that Redis holds. */
async function restoredKeys({ stack }: World): Promise<number> {
  const client = new Redis(stack.urls.redis);
  try {
    return await client.dbsize();
  } finally {
    client.disconnect();
  }
}
