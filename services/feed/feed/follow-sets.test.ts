import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { counted } from '../testing/counted.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';
import { createFollowSets } from './follow-sets.ts';

let service: TestFeedService;
before(async () => {
  service = await startFeedService({ withPost: false });
});
after(() => service.close());

function openSets() {
  const { client, calls } = counted(service.users);
  return { sets: createFollowSets(client), calls };
}

test('a set is asked for once, and again when its version has moved', async () => {
  const [ann, bob, cleo] = [await service.addUser(), await service.addUser(), await service.addUser()];
  await service.follow(ann, bob);
  const { sets, calls } = openSets();
  const context = await service.contextOf(ann);
  const first = await sets.get('', context);
  assert.deepEqual(first.ids, new Set([bob]));
  assert.notEqual(first.version, '');
  assert.equal(await sets.get(first.version, context), first);
  assert.equal(calls(), 1);
  await service.follow(ann, cleo);
  const second = await sets.get('what Redis says now', context);
  assert.deepEqual(second.ids, new Set([bob, cleo]));
  assert.notEqual(second.version, first.version);
  await service.unfollow(ann, bob);
  assert.deepEqual((await sets.get('and now', context)).ids, new Set([cleo]));
  assert.equal(calls(), 3);
});

test('without a version nothing that is kept is believed', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const { sets, calls } = openSets();
  const context = await service.contextOf(ann);
  await sets.get('', context);
  await service.follow(ann, bob);
  assert.deepEqual((await sets.get('', context)).ids, new Set([bob]));
  assert.equal(calls(), 2);
});

test('everybody has a set of their own', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  await service.follow(ann, bob);
  const { sets } = openSets();
  const ofAnn = await sets.get('', await service.contextOf(ann));
  assert.deepEqual((await sets.get(ofAnn.version, await service.contextOf(bob))).ids, new Set());
});

test('what is read while Redis is away is not kept', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  const { sets } = openSets();
  const context = await service.contextOf(ann);
  await service.killRedis();
  try {
    assert.deepEqual(await sets.get('', context), { version: '', ids: new Set(), pulledIds: [] });
  } finally {
    await service.restartRedis();
  }
  await service.follow(ann, bob);
  assert.deepEqual((await sets.get('', context)).ids, new Set([bob]));
});
