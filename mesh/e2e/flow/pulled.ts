import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { feedPage, feedTexts, follow, post, remove, signUpAll, unfollow } from '../testing/people.ts';
import type { World } from '../testing/world.ts';
import { pushedFollowers } from './window.ts';

/** How often authors have crossed the limit of followers so far. */
async function crossings({ stack }: World, direction: 'up' | 'down'): Promise<number> {
  const text = await (await fetch(`${stack.urls.operations.user}/metrics`)).text();
  return Number(
    new RegExp(`^oxo_user_pull_crossings_total\\{direction="${direction}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0,
  );
}

/** Authors with so many followers that their posts are pulled. */
export const pulled: Cases = {
  'an author becomes famous and is forgotten again: followers miss nothing and see nothing twice': async (world) => {
    const { api } = world;
    const people = await signUpAll(api, pushedFollowers + 2);
    const [author, ...fans] = people;
    const [reader, ...others] = fans;
    assert(author && reader);
    for (const fan of fans.slice(1)) await follow(api, fan, author);
    await feedPage(api, reader);
    await post(api, author, 'pushed');
    const up = await crossings(world, 'up');
    await follow(api, reader, author);
    await until('the author is pulled', async () => (await crossings(world, 'up')) > up);
    await post(api, author, 'pulled');
    assert.deepEqual(await feedTexts(api, reader), ['pulled', 'pushed'], 'with the answer');
    await world.settled();
    for (const fan of [author, ...fans]) assert.deepEqual(await feedTexts(api, fan, 1), ['pulled', 'pushed']);

    const down = await crossings(world, 'down');
    for (const fan of others.slice(0, 2)) await unfollow(api, fan, author);
    await until('the author is pushed', async () => (await crossings(world, 'down')) > down);
    const last = await post(api, author, 'pushed again');
    await world.settled();
    assert.deepEqual(await feedTexts(api, reader, 2), ['pushed again', 'pulled', 'pushed']);
    assert.deepEqual(await feedTexts(api, others[0] ?? author), []);
    await remove(api, author, last);
    assert.deepEqual(await feedTexts(api, reader), ['pulled', 'pushed']);
  },
};
