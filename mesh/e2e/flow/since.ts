import assert from 'node:assert/strict';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import { type FeedPage, feedPage, follow, type Post, post, remove, signUpAll, unfollow } from '../testing/people.ts';

const textsOf = ({ items }: FeedPage): string[] => items.map((item) => item.post.text);

/** Readers who ask for what is new. */
export const since: Cases = {
  'who asks again and again gets every post, newest first, and no page anew while nothing changes': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    await follow(api, reader, author);
    await post(api, author, 'before');
    await world.settled();
    let { sinceId } = await until('the first page', async () => {
      const page = await feedPage(api, reader);
      return textsOf(page).length === 1 && page;
    });
    const made: Post[] = [];
    const told: string[] = [];
    const poll = async (): Promise<void> => {
      const page = await feedPage(api, reader, { sinceId });
      assert.deepEqual([page.reset, page.nextPageToken], [false, '']);
      const times = page.items.map((item) => Date.parse(item.post.createdAt));
      assert.deepEqual(
        times,
        times.toSorted((a, b) => b - a),
      );
      told.push(...page.items.map((item) => item.post.id));
      sinceId = page.sinceId;
    };
    for (let number = 0; number < 12; number += 1) {
      made.push(await post(api, number % 3 === 0 ? reader : author, `${number}`));
      await poll();
    }
    await world.settled();
    await poll();
    assert.deepEqual(new Set(told), new Set(made.map(({ id }) => id)));
    const [deleted] = made;
    assert(deleted);
    await remove(api, reader, deleted);
    assert.deepEqual(textsOf(await feedPage(api, reader, { sinceId })), [], 'a delete is no arrival');
    const behind = await feedPage(api, reader, { sinceId: made[1]?.id ?? '' });
    assert.equal(behind.reset, false, 'the id of a post of an author whom one follows');
    assert.equal(textsOf(behind)[0], '11');
  },

  'too much, a follow, an unknown id: the newest page, which says so': async (world) => {
    const { api } = world;
    const [author, reader] = await signUpAll(api, 2);
    assert(author && reader);
    await follow(api, reader, author);
    const { sinceId } = await feedPage(api, reader);
    for (const text of ['a', 'b', 'c']) await post(api, author, text);
    await world.settled();
    const enough = await feedPage(api, reader, { sinceId, pageSize: '3' });
    assert.deepEqual([textsOf(enough), enough.reset], [['c', 'b', 'a'], false]);
    const tooMany = await feedPage(api, reader, { sinceId, pageSize: '2' });
    assert.deepEqual([textsOf(tooMany), tooMany.reset, tooMany.nextPageToken === ''], [['c', 'b'], true, false]);
    await unfollow(api, reader, author);
    await follow(api, reader, author);
    const built = await feedPage(api, reader, { sinceId: enough.sinceId });
    assert.deepEqual([textsOf(built), built.reset], [['c', 'b', 'a'], true]);
    const unknown = await feedPage(api, reader, { sinceId: '01890000-0000-7000-8000-00000000dead' });
    assert.deepEqual([textsOf(unknown), unknown.reset], [['c', 'b', 'a'], true]);
    const error = await refusal(api, { path: `/feed?sinceId=${sinceId}`, token: author.accessToken });
    assert.deepEqual([error.status, error.reason, error.fields], [400, 'VALIDATION_FAILED', ['sinceId']]);
    const later = await feedPage(api, reader, { pageSize: '1', pageToken: tooMany.nextPageToken });
    assert.equal(later.sinceId, '', 'with the first page only');
  },
};
