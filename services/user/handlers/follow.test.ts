import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { UserFollowed } from '#gen/oxo/user/v1/user_events.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { counts, followEvents, followVersion } from '../testing/graph.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
before(async () => {
  service = await startUserService({ maxFollowees: 10 });
});
after(() => service.close());

const newPair = async () => [await service.addUser(), await service.addUser()] as const;

test('a follow is stored, counted, announced, and known to the feed before the answer', async () => {
  const [ann, bob] = await newPair();
  const { relationship } = await service.as(ann).follow({ id: bob });
  assert.deepEqual(relationship, { following: true, followedBy: false });
  assert.deepEqual(await counts(service, ann), { followers: 0, following: 1 });
  assert.deepEqual(await counts(service, bob), { followers: 1, following: 0 });
  assert.ok(await followVersion(service, ann));
  assert.equal(await followVersion(service, bob), undefined);
  const [event, ...others] = await followEvents(service, ann);
  assert.ok(event);
  assert.deepEqual(others, []);
  assert.equal(event.subject, 'user.followed');
  assert.deepEqual(UserFollowed.decode(event.payload), { followerId: ann, followeeId: bob });
  const [edge] = await service.db.query<{ version: number }>(
    { name: 'test-edge', text: 'select version::float8 from follows where follower_id = $1' },
    [ann],
  );
  assert.equal(edge?.version, event.version);

  const back = await service.as(bob).follow({ id: ann });
  assert.deepEqual(back.relationship, { following: true, followedBy: true });
});

test('the second follow changes nothing and announces nothing', async () => {
  const [ann, bob] = await newPair();
  await service.as(ann).follow({ id: bob });
  const first = await followVersion(service, ann);
  const { relationship } = await service.as(ann).follow({ id: bob });
  assert.deepEqual(relationship, { following: true, followedBy: false });
  assert.deepEqual(await counts(service, ann), { followers: 0, following: 1 });
  assert.deepEqual(await counts(service, bob), { followers: 1, following: 0 });
  assert.equal((await followEvents(service, ann)).length, 1);
  // The first may have been killed before it told the feed.
  assert.notEqual(await followVersion(service, ann), first);
});

test('each change of the set of followees makes a new version', async () => {
  const [ann, bob] = await newPair();
  const seen = new Set<string | undefined>();
  for (let round = 0; round < 3; round += 1) {
    await service.as(ann).follow({ id: bob });
    seen.add(await followVersion(service, ann));
    await service.as(ann).unfollow({ id: bob });
    seen.add(await followVersion(service, ann));
  }
  assert.equal(seen.size, 6);
  const versions = (await followEvents(service, ann)).map(({ version }) => version);
  assert.deepEqual(
    (await followEvents(service, ann)).map(({ subject }) => subject),
    Array.from({ length: 3 }, () => ['user.followed', 'user.unfollowed']).flat(),
  );
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
});

test('following oneself, nobody, and what is no id is refused, and nothing changes', async () => {
  const ann = await service.addUser();
  await assert.rejects(service.as(ann).follow({ id: ann }), refused('SELF_FOLLOW', 'id'));
  await assert.rejects(service.as(ann).follow({ id: newId(1) }), refused('USER_NOT_FOUND'));
  for (const id of ['', 'me', 'x', '\u0000', `${ann}0`, ann.toUpperCase(), 'x'.repeat(10_000)]) {
    await assert.rejects(
      service.as(ann).follow({ id }),
      refused('VALIDATION_FAILED', { field: 'id', description: 'must be an id (a UUID in lower case)' }),
    );
  }
  assert.deepEqual(await counts(service, ann), { followers: 0, following: 0 });
  assert.deepEqual(await followEvents(service, ann), []);
  assert.equal(await followVersion(service, ann), undefined);
});

test('a caller without a profile is refused', async () => {
  const ghost = newId(1);
  await assert.rejects(service.as(ghost).follow({ id: await service.addUser() }), refused('USER_NOT_FOUND'));
});

test('a follow needs a token with the scope', async () => {
  const [ann, bob] = await newPair();
  await assert.rejects(service.as().follow({ id: bob }), refused('TOKEN_MISSING'));
  const token = await service.issuer.userToken(ann, { scope: 'profile:read' });
  await assert.rejects(service.withToken(token).follow({ id: bob }), refused('SCOPE_MISSING'));
});

test('one follows at most so many, whoever comes first', async () => {
  const ann = await service.addUser();
  const others = await Promise.all(Array.from({ length: 14 }, () => service.addUser()));
  const results = await Promise.allSettled(others.map((id) => service.as(ann).follow({ id })));
  const rejected = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.equal(rejected.length, 4);
  for (const { reason } of rejected) refused('FOLLOW_LIMIT_REACHED')(reason);
  assert.deepEqual(await counts(service, ann), { followers: 0, following: 10 });
  assert.equal((await followEvents(service, ann)).length, 10);
  // Who is followed already can be followed again; who makes room can follow another.
  const followed = others.filter((_, index) => results[index]?.status === 'fulfilled');
  const left = others.filter((_, index) => results[index]?.status === 'rejected');
  await service.as(ann).follow({ id: followed[0] });
  await service.as(ann).unfollow({ id: followed[0] });
  await service.as(ann).follow({ id: left[0] });
  await assert.rejects(service.as(ann).follow({ id: left[1] }), refused('FOLLOW_LIMIT_REACHED'));
});

test('those who are deleted take no places, also before they are erased', async () => {
  const ann = await service.addUser();
  const others = await Promise.all(Array.from({ length: 13 }, () => service.addUser()));
  for (const id of others.slice(0, 10)) await service.as(ann).follow({ id });
  await assert.rejects(service.as(ann).follow({ id: others[10] }), refused('FOLLOW_LIMIT_REACHED'));
  await service.as(others[0]).deleteMe({});
  await service.as(others[1]).deleteMe({});
  await service.as(ann).follow({ id: others[10] });
  await service.as(ann).follow({ id: others[11] });
  await assert.rejects(service.as(ann).follow({ id: others[12] }), refused('FOLLOW_LIMIT_REACHED'));
  const { user } = await service.as(ann).getUser({ id: ann });
  assert.equal(user?.followingCount, 10);
});
