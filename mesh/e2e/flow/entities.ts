import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { edit, follow, type Post, post, readFeed, signUpAll } from '../testing/people.ts';

/** What a client shows as a link, and where that leads. */
function links({ text, entities }: Post): [written: string, target: string | undefined][] {
  const characters = [...text];
  return entities.map(({ start, end, mention, hashtag, link }) => [
    characters.slice(start, end).join(''),
    mention?.userId ?? hashtag?.tag ?? link?.url,
  ]);
}

/** What the text of a post names. */
export const entities: Cases = {
  'mentions, hashtags and links stand in answers and in feeds, also after an edit': async (world) => {
    const { api } = world;
    const [author, follower] = await signUpAll(api, 2);
    assert(author && follower);
    await follow(api, follower, author);
    const text = `👩‍👩‍👧 שלום @${follower.handle.toUpperCase()} #Cafe\u0301 (https://oxo.example/#x) @nobody_has_this a@b.example`;
    const created = await post(api, author, text);
    assert.deepEqual(links(created), [
      [`@${follower.handle.toUpperCase()}`, follower.id],
      ['#Cafe\u0301', 'caf\u00e9'],
      ['https://oxo.example/#x', 'https://oxo.example/#x'],
    ]);
    const feed = () => readFeed(api, follower);
    assert.deepEqual(await until('the feed has it', async () => (await feed())[0]), created);
    const edited = await edit(api, author, created, { text: '#plain' });
    assert.deepEqual(links(edited), [['#plain', 'plain']]);
    assert.deepEqual(await feed(), [edited]);
  },
};
