import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Metadata } from 'nice-grpc';
import { UserDeleted } from '#gen/oxo/user/v1/user_events.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import { hasReason } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { refused } from '#kit/testing/refused.ts';
import { counts } from '../testing/graph.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService();
});
after(() => service.close());

const addUsers = (count: number) => Promise.all(Array.from({ length: count }, () => service.addUser()));

/** Deletes, and says so when the token was refused because a twin was faster. */
const deleteOrRefused = (userId: string) =>
  service
    .as(userId)
    .deleteMe({})
    .then(() => 'deleted')
    .catch((error: unknown) => {
      if (hasReason(error, 'SESSION_REVOKED')) return 'refused';
      throw error;
    });

async function deletionEvents(userId: string) {
  const events = (await service.events()).filter(({ subject }) => subject === 'user.deleted');
  return events.filter(({ payload }) => UserDeleted.decode(payload).userId === userId);
}

/** Whom the lists show, and that they are as many as are counted. */
async function assertGraph(id: string, expected: { followers: string[]; following: string[] }): Promise<void> {
  const followers = (await service.as().listFollowers({ id })).users.map((user) => user.id);
  const following = (await service.as().listFollowing({ id })).users.map((user) => user.id);
  assert.deepEqual(
    { followers: followers.toSorted(), following: following.toSorted() },
    { followers: expected.followers.toSorted(), following: expected.following.toSorted() },
  );
  assert.deepEqual(await counts(service, id), { followers: followers.length, following: following.length });
}

test('once it is answered, the user is gone from every answer', async () => {
  const [bob = '', cleo = ''] = await addUsers(2);
  const ann = await service.addUser('ann');
  for (const [from, to] of [
    [ann, bob],
    [bob, ann],
    [cleo, ann],
    [cleo, bob],
  ] as const)
    await service.as(from).follow({ id: to });
  let status: string | undefined;
  const onHeader = (header: Metadata) => {
    status = String(header.get('x-http-code'));
  };
  await service.as(ann).deleteMe({}, { onHeader });
  assert.equal(status, '204');

  const open = service.as();
  for (const call of [
    () => open.getUser({ id: ann }),
    () => open.getUserByHandle({ handle: 'ann' }),
    () => open.listFollowers({ id: ann }),
    () => open.listFollowing({ id: ann }),
    () => service.as(bob).follow({ id: ann }),
    () => service.as(bob).unfollow({ id: ann }),
    () => service.internal('auth').resolveUser({ id: ann }),
    () => service.internal('auth').resolveUser({ handle: 'ann' }),
  ]) {
    await assert.rejects(call(), refused('USER_NOT_FOUND'));
  }
  await assertGraph(bob, { followers: [cleo], following: [] });
  await assertGraph(cleo, { followers: [], following: [bob] });
  const { users } = await service.internal('post').batchGetUsers({ ids: [ann, bob] });
  assert.deepEqual(
    users.map(({ id }) => id),
    [bob],
  );
  const followees = await service.internal('feed').listFolloweeIds({}, await service.onBehalfOf(cleo));
  assert.deepEqual(followees.followeeIds, [bob]);
  const followers: string[] = [];
  for await (const chunk of service.internal('feed').streamFollowerIds({ userIds: [bob] }))
    followers.push(...chunk.followerIds);
  assert.deepEqual(followers, [cleo]);
  const profiles = createReadModel(service.redis, { prefix: 'profile', ttlMs: 1 });
  assert.deepEqual(await profiles.getMany([ann]), ['deleted']);
  await assert.rejects(service.as(ann).getMe({}), refused('SESSION_REVOKED'));
  const [event] = await deletionEvents(ann);
  assert.equal(UserDeleted.decode(event?.payload ?? Buffer.alloc(0)).userId, ann);
});

test('nothing of the profile stays in the tables but the handle', async () => {
  const dora = await service.addUser('dora');
  await service.as(dora).updateMe({ displayName: 'Secret name', bio: 'Secret bio', location: 'Secret place' });
  await service.as(dora).deleteMe({});
  const rows = await service.db.query({
    name: 'test-tables',
    text: 'select row_to_json(d)::text as line from deletions d union all select row_to_json(u)::text from users u',
  });
  const lines = rows
    .map((row) => (row as { line: string }).line)
    .filter((line) => line.includes(dora) || line.includes('Secret'));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /"handle":"dora"/);
  assert.ok(!lines[0]?.includes('Secret'));
});

test('a sign-in that is too long ago, however fresh its token, is not enough; nor is a token without the scope', async () => {
  const ann = await service.addUser();
  const longAgo = { signedInAtMs: service.clock.nowMs() - 15 * MINUTE_MS - 1_000 };
  await assert.rejects(
    service.withToken(await service.issuer.userToken(ann, longAgo)).deleteMe({}),
    refused('SIGN_IN_TOO_OLD'),
  );
  const limited = await service.issuer.userToken(ann, { scope: 'profile:read' });
  await assert.rejects(service.withToken(limited).deleteMe({}), refused('SCOPE_MISSING'));
  await assert.rejects(service.as().deleteMe({}), refused('TOKEN_MISSING'));
  assert.equal((await service.as().getUser({ id: ann })).user?.id, ann);
  const lately = { signedInAtMs: service.clock.nowMs() - 14 * MINUTE_MS };
  await service.withToken(await service.issuer.userToken(ann, lately)).deleteMe({});
  await assert.rejects(service.as().getUser({ id: ann }), refused('USER_NOT_FOUND'));
});

test('twins delete once; whoever never was is not found', async () => {
  const ann = await service.addUser();
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => deleteOrRefused(ann)));
  assert.ok(outcomes.includes('deleted'));
  assert.equal(await deleteOrRefused(ann), 'refused');
  assert.equal((await deletionEvents(ann)).length, 1);
  await assert.rejects(service.as(newId(1)).deleteMe({}), refused('USER_NOT_FOUND'));
});

test('the handle stays taken, and the id is nobody else’s, also for who asks in the same moment', async () => {
  const auth = service.internal('auth');
  for (let round = 0; round < 20; round += 1) {
    const handle = `wanted_${round}`;
    const ann = await service.addUser(handle);
    const takers = Array.from({ length: 5 }, () => auth.createUser({ id: newId(Date.now()), handle, displayName: '' }));
    const [, ...outcomes] = await Promise.allSettled([service.as(ann).deleteMe({}), ...takers]);
    for (const outcome of outcomes)
      assert.ok(outcome.status === 'rejected' && hasReason(outcome.reason, 'HANDLE_TAKEN'));
    // What a sweep of registrations may ask long after.
    await assert.rejects(auth.createUser({ id: ann, handle, displayName: '' }), refused('HANDLE_TAKEN'));
    await assert.rejects(
      auth.createUser({ id: ann, handle: `other_${round}`, displayName: '' }),
      refused('HANDLE_TAKEN'),
    );
  }
});

test('follows in the same moment: lists and counts of the others agree', async () => {
  for (let round = 0; round < 10; round += 1) {
    const [ann = '', ...others] = await addUsers(6);
    const noMatter = (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        if (!hasReason(error, 'USER_NOT_FOUND') && !hasReason(error, 'SESSION_REVOKED')) throw error;
      });
    await Promise.all([
      ...others.map((other) => noMatter(service.as(ann).follow({ id: other }))),
      ...others.map((other) => noMatter(service.as(other).follow({ id: ann }))),
      service.as(ann).deleteMe({}),
      ...others.slice(1).map((other) => noMatter(service.as(other).unfollow({ id: ann }))),
      noMatter(service.as(ann).updateMe({ bio: 'late' })),
    ]);
    for (const other of others) await assertGraph(other, { followers: [], following: [] });
    const { users } = await service.internal('post').batchGetUsers({ ids: [ann] });
    assert.deepEqual(users, []);
  }
});
