import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserUnfollowed } from '#gen/oxo/user/v1/user_events.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { counts, followEvents, followVersion } from '../testing/graph.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

test('an unfollow takes back the edge and both counts, is announced, and known to the feed before the answer', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await service.as(ann).follow({ id: bob });
  const before = await followVersion(service, ann);
  let status: string | undefined;
  await service.as(ann).unfollow({ id: bob }, { onHeader: (header) => (status = header.get('x-http-code')) });
  assert.equal(status, '204');
  assert.deepEqual(await counts(service, ann), { followers: 0, following: 0 });
  assert.deepEqual(await counts(service, bob), { followers: 0, following: 0 });
  assert.notEqual(await followVersion(service, ann), before);
  const event = (await followEvents(service, ann)).at(-1);
  assert.ok(event);
  assert.equal(event.subject, 'user.unfollowed');
  assert.deepEqual(UserUnfollowed.decode(event.payload), { followerId: ann, followeeId: bob });
});

test('the second unfollow, and one of somebody never followed, changes nothing and announces nothing', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await service.as(ann).follow({ id: bob });
  await service.as(ann).unfollow({ id: bob });
  await service.as(ann).unfollow({ id: bob });
  await service.as(bob).unfollow({ id: ann });
  await service.as(ann).unfollow({ id: ann });
  assert.deepEqual(await counts(service, ann), { followers: 0, following: 0 });
  assert.deepEqual(await counts(service, bob), { followers: 0, following: 0 });
  assert.equal((await followEvents(service, ann)).length, 2);
  assert.equal((await followEvents(service, bob)).length, 0);
});

test('bad ids, unknown users and missing tokens are refused', async () => {
  const ann = await service.addUser();
  await assert.rejects(service.as(ann).unfollow({ id: newId(1) }), refused('USER_NOT_FOUND'));
  await assert.rejects(service.as(newId(1)).unfollow({ id: ann }), refused('USER_NOT_FOUND'));
  for (const id of ['', 'me', '\u0000', 'x'.repeat(10_000)]) {
    await assert.rejects(service.as(ann).unfollow({ id }), refused('VALIDATION_FAILED'));
  }
  await assert.rejects(service.as().unfollow({ id: ann }), refused('TOKEN_MISSING'));
});
