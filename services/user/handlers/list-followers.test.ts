import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { FOLLOWERS, FOLLOWING } from '../graph/follow-lists.ts';
import { counts } from '../testing/graph.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

type List = 'listFollowers' | 'listFollowing';

async function page(list: List, id: string, pageSize = 0, pageToken = '', viewer?: string) {
  const { users, nextPageToken } = await service.as(viewer)[list]({ id, pageSize, pageToken });
  return { ids: users.map((user) => user.id), nextPageToken };
}

async function allPages(list: List, id: string, pageSize: number): Promise<string[]> {
  const ids: string[] = [];
  for (let token = '', pages = 0; pages === 0 || (token !== '' && pages < 100); pages += 1) {
    const { ids: found, nextPageToken } = await page(list, id, pageSize, token);
    ids.push(...found);
    token = nextPageToken;
  }
  return ids;
}

/** People of whom each follows the star, or is followed by it, a second after the one before; the newest first. */
async function crowd(list: List, star: string, size: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < size; index += 1) {
    const id = await service.addUser();
    service.clock.advance(1_000);
    await (list === 'listFollowers' ? service.as(id).follow({ id: star }) : service.as(star).follow({ id }));
    ids.unshift(id);
  }
  return ids;
}

for (const list of ['listFollowers', 'listFollowing'] as const) {
  test(`${list}: newest follow first, page by page, as many as are counted, with what is shown of each`, async () => {
    const star = await service.addUser();
    assert.deepEqual(await page(list, star), { ids: [], nextPageToken: '' });
    const ids = await crowd(list, star, 5);
    assert.deepEqual(await page(list, star), { ids, nextPageToken: '' });
    for (const size of [1, 2, 5]) assert.deepEqual(await allPages(list, star, size), ids);
    assert.equal((await counts(service, star))[list === 'listFollowers' ? 'followers' : 'following'], 5);
    const { users } = await service.as()[list]({ id: star, pageSize: 1 });
    const { user } = await service.as().getUser({ id: ids[0] ?? '' });
    assert.deepEqual(users, [{ id: user?.id, handle: user?.handle, displayName: user?.displayName }]);
  });

  test(`${list}: follows that come and go move nobody else`, async () => {
    const star = await service.addUser();
    const ids = await crowd(list, star, 6);
    const first = await page(list, star, 2);
    await crowd(list, star, 1);
    const [shown = '', , leaving = '', again = ''] = ids;
    const unfollow = (id: string) =>
      list === 'listFollowers' ? service.as(id).unfollow({ id: star }) : service.as(star).unfollow({ id });
    await unfollow(shown);
    await unfollow(leaving);
    // Whoever follows anew stands in front, where the pages to come do not look.
    await unfollow(again);
    await (list === 'listFollowers' ? service.as(again).follow({ id: star }) : service.as(star).follow({ id: again }));
    assert.deepEqual(await page(list, star, 10, first.nextPageToken), { ids: ids.slice(4), nextPageToken: '' });
  });

  test(`${list}: follows of one millisecond are ordered by id, and pages part them`, async () => {
    const star = await service.addUser();
    const ids = await crowd(list, star, 5);
    await service.db.query(
      { name: 'test-same-time', text: 'update follows set created_at_ms = 5 where $1 in (follower_id, followee_id)' },
      [star],
    );
    assert.deepEqual(await allPages(list, star, 2), ids.toSorted().toReversed());
  });

  test(`${list}: "me" is the caller; a user who is not there is not found; a token of another list is refused`, async () => {
    const star = await service.addUser();
    const ids = await crowd(list, star, 2);
    assert.deepEqual((await page(list, 'me', 0, '', star)).ids, ids);
    await assert.rejects(page(list, 'me'), refused('VALIDATION_FAILED', 'id'));
    await assert.rejects(page(list, 'x'), refused('VALIDATION_FAILED', 'id'));
    await assert.rejects(page(list, newId(1)), refused('USER_NOT_FOUND'));
    const { nextPageToken } = await page(list, star, 1);
    const other = list === 'listFollowers' ? 'listFollowing' : 'listFollowers';
    await assert.rejects(page(other, star, 1, nextPageToken), refused('PAGE_TOKEN_INVALID'));
    await assert.rejects(page(list, ids[0] ?? '', 1, nextPageToken), refused('PAGE_TOKEN_INVALID'));
    await assert.rejects(page(list, star, -1), refused('VALIDATION_FAILED', 'pageSize'));
  });
}

test('a page has 20 people when nothing is said, and at most 100', async () => {
  const star = await service.addUser();
  const people = {
    name: 'test-many',
    text: `with people as (
        insert into users (id, handle, display_name, created_at_ms, version)
        select gen_random_uuid(), 'many_' || n, '', 0, 0 from generate_series(1, 102) n returning id)
      insert into follows (follower_id, followee_id, created_at_ms, version) select id, $1, 0, 0 from people`,
  };
  await service.db.query(people, [star]);
  assert.equal((await page('listFollowers', star)).ids.length, 20);
  assert.equal((await page('listFollowers', star, 1_000_000)).ids.length, 100);
});

test('a page far down a long list reads its own rows from the index, and no others', async () => {
  const star = newId(1);
  const many = {
    name: 'test-very-many',
    text: `with people as (
        insert into users (id, handle, display_name, created_at_ms, version)
        select gen_random_uuid(), 'far_' || n, '', 0, 0 from generate_series(1, 20000) n returning id),
      numbered as (select id, row_number() over () as n from people)
      insert into follows (follower_id, followee_id, created_at_ms, version)
        select id, $1::uuid, n, 0 from numbered union all select $1::uuid, id, n, 0 from numbered`,
  };
  await service.db.query(many, [star]);
  await service.db.query(
    {
      name: 'test-star',
      text: "insert into users (id, handle, display_name, created_at_ms, version) values ($1, 'far_star', '', 0, 0)",
    },
    [star],
  );
  await service.db.query({ name: 'test-analyze', text: 'analyze' });
  for (const [statement, index] of [
    [FOLLOWERS, 'follows_newest_followers'],
    [FOLLOWING, 'follows_newest_followees'],
  ] as const) {
    const scans = await explain(service.db, statement, [star, 10_000, star, 21]);
    assert.deepEqual(
      scans.filter((scan) => scan['Relation Name'] === 'follows').map((scan) => scan['Index Name']),
      [index],
    );
    for (const scan of scans) {
      assert.match(scan['Node Type'], /^Index/);
      assert.ok(scan['Actual Rows'] * scan['Actual Loops'] <= 21, JSON.stringify(scan));
    }
  }
});
