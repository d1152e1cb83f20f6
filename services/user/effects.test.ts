/** What a kill, or Redis being away, leaves half done is finished by the relay. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { UserFollowed } from '#gen/oxo/user/v1/user_events.ts';
import { newId } from '#kit/ids.ts';
import { startBus, type TestBus } from '#kit/testing/bus.ts';
import { until } from '#kit/testing/until.ts';
import { FOLLOW, UNFOLLOW } from './graph/follow-statements.ts';
import { counts, followVersion } from './testing/graph.ts';
import { forgetProfile, publishedProfile } from './testing/profiles.ts';
import { startUserService, type TestUserService } from './testing/user-service.ts';

let service: TestUserService;
let bus: TestBus;
before(async () => {
  [service, bus] = await Promise.all([startUserService(), startBus()]);
});
after(async () => {
  await service.close();
  await bus.stop();
});

const relay = () => service.relay(bus.admin);

async function lastMessage(subject: string) {
  const manager = await jetstreamManager(bus.admin.connection);
  return manager.streams.getMessage('EVENTS', { last_by_subj: subject });
}

const eventValues = (subject: string, followerId: string, followeeId: string) => [
  newId(Date.now()),
  subject,
  Buffer.from(UserFollowed.encode({ followerId, followeeId }).finish()),
  '{"x-request-id":"r1"}',
];

test('events arrive in JetStream, with the version of the edge', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await service.as(ann).follow({ id: bob });
  const [event] = (await service.events()).slice(-1);
  assert.ok((await relay()) >= 3);
  assert.deepEqual(await service.events(), []);
  const message = await lastMessage('user.followed');
  assert.deepEqual(UserFollowed.decode(message?.data ?? new Uint8Array()), { followerId: ann, followeeId: bob });
  assert.equal(message?.header.get('oxo-version'), String(event?.version));
  assert.equal(message?.header.get('ce-source'), 'user');
  assert.ok(await lastMessage('user.registered'));
});

test('a kill between commit and effect: the relay tells the feed before it publishes', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const values = [ann, bob, ...eventValues('user.followed', ann, bob), 1, 10];
  await service.db.query(FOLLOW, values);
  assert.equal(await followVersion(service, ann), undefined);
  await relay();
  const followed = await followVersion(service, ann);
  assert.ok(followed);
  await service.db.query(UNFOLLOW, [ann, bob, ...eventValues('user.unfollowed', ann, bob)]);
  assert.equal(await followVersion(service, ann), followed);
  await relay();
  assert.notEqual(await followVersion(service, ann), followed);
  assert.deepEqual(await service.events(), []);
  assert.deepEqual(await counts(service, bob), { followers: 0, following: 0 });
});

test('a kill between commit and effect of a profile: the relay publishes what the table says now', async () => {
  const ann = await service.addUser();
  await service.as(ann).updateMe({ displayName: 'Second' });
  const published = await publishedProfile(service, ann);
  await forgetProfile(service, ann);
  await relay();
  assert.deepEqual(await publishedProfile(service, ann), published);
  assert.equal(published?.summary.displayName, 'Second');
});

test('Redis away: reads answer, writes are kept, and the relay does the rest when it is back', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await relay();
  await service.killRedis();
  try {
    const { relationship } = await service.as(ann).follow({ id: bob });
    assert.equal(relationship?.following, true);
    await service.as(ann).updateMe({ displayName: 'While away' });
    const cleo = await service.addUser('cleo');
    assert.equal((await service.as().getUser({ id: cleo })).user?.handle, 'cleo');
    assert.equal((await service.internal('post').batchGetUsers({ ids: [ann] })).users[0]?.displayName, 'While away');
    const followees = await service.internal('feed').listFolloweeIds({}, await service.onBehalfOf(ann));
    assert.deepEqual(followees, { followeeIds: [bob], version: '', pulledIds: [] });
    // Nothing is published before the feed can know of it.
    assert.equal(await relay(), 0);
    assert.equal((await service.events()).length, 3);
  } finally {
    await service.restartRedis();
  }
  assert.equal(await followVersion(service, ann), undefined);
  // What failed is due again after a moment.
  let published = 0;
  await until('all are published', async () => {
    published += await relay();
    return published === 3;
  });
  assert.ok(await followVersion(service, ann));
  assert.equal((await publishedProfile(service, ann))?.summary.displayName, 'While away');
});
