import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Queryable } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { followerPages } from '../graph/follower-pages.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

/** Edges as they stand in the table; nobody counts them here. */
async function addFollowers(userId: string, count: number): Promise<string[]> {
  const rows = await service.db.query<{ id: string }>(
    {
      name: 'test-add-followers',
      text: `insert into follows (follower_id, followee_id, created_at_ms, version)
        select gen_random_uuid(), $1, 0, 0 from generate_series(1, $2::integer) returning follower_id as id`,
    },
    [userId, count],
  );
  return rows.map(({ id }) => id).toSorted();
}

async function stream(userIds: string[]) {
  const chunks: { userId: string; followerIds: string[]; version: string }[] = [];
  for await (const chunk of service.internal('feed').streamFollowerIds({ userIds })) chunks.push(chunk);
  return chunks;
}

test('all followers of all users come, a user at a time, in chunks of at most 1,000', async () => {
  const [star, quiet, ann] = [newId(1), newId(2), newId(3)];
  const expected = new Map([
    [star, await addFollowers(star, 12_345)],
    [ann, await addFollowers(ann, 3)],
  ]);
  const chunks = await stream([ann, star, quiet, ann]);
  assert.ok(chunks.every(({ followerIds }) => followerIds.length <= 1_000));
  const order = chunks.map(({ userId }) => userId).filter((id, index, all) => id !== all[index - 1]);
  assert.deepEqual(order.toSorted(), [star, ann, quiet].toSorted());
  assert.deepEqual(chunks.find(({ userId }) => userId === quiet)?.followerIds, []);
  for (const [userId, followers] of expected) {
    const found = chunks.filter((chunk) => chunk.userId === userId).flatMap(({ followerIds }) => followerIds);
    assert.deepEqual(found.toSorted(), followers);
  }
});

test('the version stays while the followers do, and is another one after a follow and an unfollow', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const versionOfAnn = async () => {
    const versions = new Set((await stream([ann, bob])).filter(({ userId }) => userId === ann).map((c) => c.version));
    assert.equal(versions.size, 1);
    return [...versions][0];
  };
  const versions = [await versionOfAnn()];
  assert.equal(await versionOfAnn(), versions[0]);
  await service.as(bob).follow({ id: ann });
  versions.push(await versionOfAnn());
  await service.as(ann).follow({ id: bob });
  assert.equal(await versionOfAnn(), versions[1], 'whom one follows oneself does not matter');
  await service.as(bob).unfollow({ id: ann });
  versions.push(await versionOfAnn());
  assert.equal(new Set(versions).size, 3);
  assert.ok(versions.every((version) => version !== ''));
});

test('pages end anywhere, and nothing is skipped or repeated', async () => {
  const expected = new Map<string, string[]>();
  for (const count of [1, 5, 3, 7, 1, 12]) {
    const userId = newId(count);
    expected.set(userId, await addFollowers(userId, count));
  }
  for (const pageFollowers of [1, 2, 3, 5, 29, 30]) {
    const found = new Map<string, string[]>();
    for await (const groups of followerPages(service.db, [...expected.keys()], pageFollowers)) {
      for (const { userId, followerIds } of groups) {
        found.set(userId, [...(found.get(userId) ?? []), ...followerIds]);
      }
    }
    assert.deepEqual(found, new Map([...expected].toSorted(([a], [b]) => (a < b ? -1 : 1))));
  }
});

test('the small lists of 500 users are one statement', async () => {
  const users = Array.from({ length: 500 }, () => newId(Date.now()));
  for (const userId of users.slice(0, 20)) await addFollowers(userId, 20);
  let statements = 0;
  const counting: Queryable = {
    query(statement, values) {
      statements += 1;
      return service.db.query(statement, values);
    },
  };
  let found = 0;
  for await (const groups of followerPages(counting, users)) found += groups.length;
  assert.equal(found, 20);
  assert.equal(statements, 1);
});

test('a caller who goes away ends the stream: the followers that are left are not read', async (t) => {
  const star = newId(1);
  await addFollowers(star, 30_000);
  const { query } = service.db;
  let pages = 0;
  service.db.query = (statement, values) => {
    if (statement.name === 'followers-page') pages += 1;
    return query(statement, values);
  };
  t.after(() => {
    service.db.query = query;
  });
  const ended = async () => {
    const counts = (await service.metrics.render()).matchAll(
      /requests_total\{rpc="[^"]*StreamFollowerIds",[^}]*\} (\d+)/g,
    );
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await ended();
  const abort = new AbortController();
  const chunks = service.internal('feed').streamFollowerIds({ userIds: [star] }, { signal: abort.signal });
  await assert.rejects(async () => {
    for await (const _ of chunks) abort.abort();
  });
  await until('the server is done with it', async () => (await ended()) > before);
  assert.ok(pages >= 1 && pages <= 2, `${pages} of 4 pages were read`);
});

test('no ids, too many and bad ones are refused', async () => {
  for (const userIds of [[], Array.from({ length: 501 }, () => newId(1)), ['x'], [newId(1), '\u0000']]) {
    await assert.rejects(stream(userIds), refused('VALIDATION_FAILED'));
  }
});
