import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { followVersion } from '../testing/graph.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const list = async (userId: string, amongIds: string[] = [], name = 'feed') =>
  service.internal(name).listFolloweeIds({ amongIds }, await service.onBehalfOf(userId));

test('whom the user follows now, all or among some', async () => {
  const [ann, bob, cleo, dan] = await Promise.all(Array.from({ length: 4 }, () => service.addUser()));
  assert.ok(ann && bob && cleo && dan);
  assert.deepEqual((await list(ann)).followeeIds, []);
  await service.as(ann).follow({ id: bob });
  await service.as(ann).follow({ id: cleo });
  await service.as(dan).follow({ id: ann });
  assert.deepEqual((await list(ann)).followeeIds.toSorted(), [bob, cleo].toSorted());
  assert.deepEqual((await list(ann, [cleo, dan, newId(1), ann, cleo], 'post')).followeeIds, [cleo]);
  assert.deepEqual((await list(ann, [dan])).followeeIds, []);
  await service.as(ann).unfollow({ id: cleo });
  assert.deepEqual((await list(ann)).followeeIds, [bob]);
});

test('the version is made when there is none, stays, and is new after each change', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const { version } = await list(ann);
  assert.ok(version);
  assert.equal(await followVersion(service, ann), version);
  assert.equal((await list(ann)).version, version);
  const concurrent = await Promise.all(Array.from({ length: 10 }, () => list(bob)));
  assert.equal(new Set(concurrent.map((answer) => answer.version)).size, 1);
  await service.as(ann).follow({ id: bob });
  const followed = await list(ann);
  assert.notEqual(followed.version, version);
  assert.deepEqual(followed.followeeIds, [bob]);
});

test('a set that comes with a version holds all follows up to that version', async () => {
  const ann = await service.addUser();
  const others = await Promise.all(Array.from({ length: 30 }, () => service.addUser()));
  const answers: Awaited<ReturnType<typeof list>>[] = [];
  let following = true;
  const reader = (async () => {
    while (following) answers.push(await list(ann));
  })();
  /** By version: how many follows had been answered when it stood in Redis. */
  const answered = new Map<string, number>();
  for (const [index, id] of others.entries()) {
    await service.as(ann).follow({ id });
    answered.set((await followVersion(service, ann)) ?? '', index + 1);
    // So that the reader has met this version too.
    const { length } = answers;
    await until('the reader has read again', () => answers.length > length + 1);
  }
  following = false;
  await reader;
  const met = answers.filter(({ version }) => answered.has(version));
  assert.ok(met.length >= others.length, `${met.length} of ${answers.length} sets had a version that is known`);
  // Who keeps a set with a version has all that had been answered when that version was there.
  for (const { version, followeeIds } of met) assert.ok(followeeIds.length >= (answered.get(version) ?? 0));
});

test('too many and bad ids are refused', async () => {
  const ann = await service.addUser();
  assert.deepEqual(
    (
      await list(
        ann,
        Array.from({ length: 1_000 }, () => newId(1)),
      )
    ).followeeIds,
    [],
  );
  for (const bad of [Array.from({ length: 1_001 }, () => newId(1)), ['x'], ['\u0000'], ['']]) {
    await assert.rejects(list(ann, bad), refused('VALIDATION_FAILED'));
  }
});
