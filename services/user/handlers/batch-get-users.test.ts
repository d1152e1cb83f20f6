import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { forgetProfile, publishedProfile } from '../testing/profiles.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

test('users are found, once each; unknown ids are left out', async () => {
  const [ann, bob] = [await service.addUser('ann'), await service.addUser('bob')];
  for (const name of ['post', 'feed']) {
    const { users } = await service.internal(name).batchGetUsers({ ids: [bob, newId(1), ann, bob] });
    assert.deepEqual(
      users.toSorted((a, b) => a.handle.localeCompare(b.handle)),
      [
        { id: ann, handle: 'ann', displayName: 'ANN' },
        { id: bob, handle: 'bob', displayName: 'BOB' },
      ],
    );
  }
});

test('what was missing in Redis is put back, never over something newer', async () => {
  const ann = await service.addUser('cleo');
  const published = await publishedProfile(service, ann);
  assert.ok(published);
  await forgetProfile(service, ann);
  await until('it is gone', async () => (await publishedProfile(service, ann)) === undefined);
  await service.internal('post').batchGetUsers({ ids: [ann] });
  assert.deepEqual(await until('it is back', () => publishedProfile(service, ann)), published);

  await service.as(ann).updateMe({ displayName: 'New' });
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0
        ? service.internal('post').batchGetUsers({ ids: [ann] })
        : service.as(ann).updateMe({ displayName: `New ${index}` }),
    ),
  );
  const { user } = await service.as(ann).getMe({});
  assert.equal((await publishedProfile(service, ann))?.summary.displayName, user?.displayName);
});

test('500 ids are taken; none, more, and bad ones are refused', async () => {
  const ids = Array.from({ length: 500 }, () => newId(1));
  assert.deepEqual((await service.internal('post').batchGetUsers({ ids })).users, []);
  for (const bad of [[], [...ids, newId(1)], ['x'], [newId(1), '\u0000'], ['me']]) {
    await assert.rejects(service.internal('post').batchGetUsers({ ids: bad }), refused('VALIDATION_FAILED'));
  }
});
