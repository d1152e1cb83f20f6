import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserRegistered } from '#gen/oxo/user/v1/user_events.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { publishedProfile } from '../testing/profiles.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const auth = () => service.internal('auth');

test('a user is created, announced and published in Redis', async () => {
  const id = newId(Date.now());
  const { user } = await auth().createUser({ id, handle: 'ann_1', displayName: 'Ann ✨' });
  assert.ok(user?.createdAt);
  assert.deepEqual(user, {
    id,
    handle: 'ann_1',
    displayName: 'Ann ✨',
    bio: '',
    links: [],
    location: '',
    locale: '',
    followersCount: 0,
    followingCount: 0,
    createdAt: user.createdAt,
    relationship: undefined,
    etag: user.etag,
  });
  assert.equal(user.etag, (await service.as(id).getMe({})).user?.etag);
  const [event] = await service.events();
  assert.ok(event);
  assert.equal(event.subject, 'user.registered');
  assert.deepEqual(UserRegistered.decode(event.payload).user, { ...user, etag: '' });
  assert.deepEqual(await publishedProfile(service, id), {
    version: event.version,
    summary: { id, handle: 'ann_1', displayName: 'Ann ✨' },
  });
});

test('the same user again changes nothing, also at the same time', async () => {
  const request = { id: newId(Date.now()), handle: 'twin', displayName: 'Twin' };
  const answers = await Promise.all(Array.from({ length: 10 }, () => auth().createUser(request)));
  const again = await auth().createUser({ ...request, displayName: 'Another name' });
  for (const { user } of [...answers, again]) assert.deepEqual(user, answers[0]?.user);
  const events = (await service.events()).filter(
    ({ payload }) => UserRegistered.decode(payload).user?.handle === 'twin',
  );
  assert.equal(events.length, 1);
});

test('a handle belongs to one user, whoever comes first', async () => {
  const results = await Promise.allSettled(
    Array.from({ length: 10 }, () => auth().createUser({ id: newId(Date.now()), handle: 'wanted', displayName: '' })),
  );
  const rejected = results.filter((result) => result.status === 'rejected');
  assert.equal(rejected.length, 9);
  for (const { reason } of rejected) refused('HANDLE_TAKEN', 'handle')(reason);
});

test('a handle that could be taken for OXO is nobody’s', async () => {
  for (const handle of ['admin', 'supp0rt', 'oxo_team'])
    await assert.rejects(
      auth().createUser({ id: newId(1), handle, displayName: '' }),
      refused('HANDLE_RESERVED', 'handle'),
    );
});

test('a user cannot be created again under another handle', async () => {
  const id = newId(Date.now());
  await auth().createUser({ id, handle: 'first_name', displayName: '' });
  await assert.rejects(auth().createUser({ id, handle: 'second_name', displayName: '' }), refused('VALIDATION_FAILED'));
});

test('all that is wrong is named at once', async () => {
  await assert.rejects(
    auth().createUser({ id: 'x', handle: 'A', displayName: 'x'.repeat(61) }),
    refused(
      'VALIDATION_FAILED',
      { field: 'id', description: 'must be an id (a UUID in lower case)' },
      { field: 'handle', description: 'must be 3 to 30 of a-z, 0-9 and _' },
      { field: 'displayName', description: 'must be at most 60 characters' },
    ),
  );
});

test('what is no handle is refused', async () => {
  for (const handle of ['', 'ab', 'Ann', 'a-b', 'a b', 'ann\n', 'ann\u0000', 'änn', 'x'.repeat(31)]) {
    await assert.rejects(auth().createUser({ id: newId(1), handle, displayName: '' }), refused('VALIDATION_FAILED'));
  }
  await auth().createUser({ id: newId(1), handle: 'x'.repeat(30), displayName: '👩‍👩‍👧' });
});
