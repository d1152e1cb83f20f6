import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Metadata } from 'nice-grpc-common';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
let [ann, bob] = ['', ''];
before(async () => {
  service = await startUserService();
  [ann, bob] = [await service.addUser('ann'), await service.addUser('bob')];
  await service.as(ann).follow({ id: bob });
});
after(() => service.close());

test('a profile is open; how the caller stands to it is told only to one who is signed in', async () => {
  const open = await service.as().getUser({ id: bob });
  assert.equal(open.user?.handle, 'bob');
  assert.equal(open.user.followersCount, 1);
  assert.equal(open.user.relationship, undefined);
  const byAnn = await service.as(ann).getUser({ id: bob });
  assert.deepEqual(byAnn.user?.relationship, { following: true, followedBy: false });
  const byBob = await service.as(bob).getUser({ id: ann });
  assert.deepEqual(byBob.user?.relationship, { following: false, followedBy: true });
});

test('every answer says by its header which state it shows, the same to everybody', async () => {
  const { user: made } = await service.as(bob).getMe({});
  const sent: (string | undefined)[] = [];
  const onHeader = (header: Metadata) => void sent.push(header.get('etag'));
  const shown = [
    await service.as(bob).getMe({}, { onHeader }),
    await service.as().getUser({ id: bob }, { onHeader }),
    await service.as(ann).getUserByHandle({ handle: 'bob' }, { onHeader }),
  ];
  assert.ok(made?.etag);
  assert.deepEqual(
    [...shown.map(({ user }) => user?.etag), ...sent],
    Array.from({ length: 6 }, () => made.etag),
  );
});

test('"me" is the caller, and needs a token', async () => {
  assert.equal((await service.as(ann).getUser({ id: 'me' })).user?.id, ann);
  await assert.rejects(service.as().getUser({ id: 'me' }), refused('VALIDATION_FAILED'));
});

test('unknown users are not found, bad ids are refused, bad tokens too', async () => {
  await assert.rejects(service.as().getUser({ id: newId(1) }), refused('USER_NOT_FOUND'));
  for (const id of ['', 'x', '\u0000', 'ME', ann.toUpperCase(), 'x'.repeat(10_000)]) {
    await assert.rejects(
      service.as(ann).getUser({ id }),
      refused('VALIDATION_FAILED', { field: 'id', description: 'must be an id or "me"' }),
    );
  }
  await assert.rejects(service.withToken('nonsense').getUser({ id: ann }), refused('TOKEN_INVALID'));
});

test('GetMe gives the caller', async () => {
  const { user } = await service.as(ann).getMe({});
  assert.equal(user?.id, ann);
  assert.equal(user.followingCount, 1);
  await assert.rejects(service.as().getMe({}), refused('TOKEN_MISSING'));
  await assert.rejects(service.as(newId(1)).getMe({}), refused('USER_NOT_FOUND'));
  const token = await service.issuer.userToken(ann, { scope: 'posts:read' });
  await assert.rejects(service.withToken(token).getMe({}), refused('SCOPE_MISSING'));
});

test('GetUserByHandle finds in any case', async () => {
  for (const handle of ['bob', 'BOB', 'Bob']) {
    assert.equal((await service.as().getUserByHandle({ handle })).user?.id, bob);
  }
  const { user } = await service.as(ann).getUserByHandle({ handle: 'bob' });
  assert.deepEqual(user?.relationship, { following: true, followedBy: false });
  assert.equal((await service.as().getUserByHandle({ handle: 'bob' })).user?.relationship, undefined);
});

test('a handle that nobody has, or can have, is not found', async () => {
  for (const handle of ['nobody', '', 'b', 'bob ', 'bob\u0000', 'x'.repeat(10_000), '\u212Aate']) {
    await assert.rejects(service.as().getUserByHandle({ handle }), refused('USER_NOT_FOUND'));
  }
});
