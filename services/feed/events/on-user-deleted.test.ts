import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { NotYet } from '#kit/events/consumers/handlers.ts';
import { userDeleted } from '#kit/events/consumers/user-deleted.ts';
import { deliver } from '#kit/testing/deliver.ts';
import { until } from '#kit/testing/until.ts';
import { createWindows, type Windows } from '../feed/window.ts';
import { startFeedService, type TestFeedService } from '../testing/feed-service.ts';
import { ERASURE } from './durables.ts';

let service: TestFeedService;
let windows: Windows;
before(async () => {
  service = await startFeedService({ withPost: false });
  windows = createWindows(service.redis, 20);
});
after(() => service.close());

const handle = (userId: string, eraseFrom = new Date(0)) =>
  deliver(service.consumers, ERASURE, userDeleted, { userId, deletedAt: new Date(0), eraseFrom });

test('the window of a deleted user is dropped when the time has come, and no other', async () => {
  const [ann, bob] = [await service.addUser(), await service.addUser()];
  for (const id of [ann, bob]) await windows.finish(id, await windows.begin(id), 'v1', [], true);
  await assert.rejects(handle(ann, new Date(service.clock.nowMs() + MINUTE_MS)), NotYet);
  const windowOf = async (id: string) => (await windows.read(id, undefined, 1)).window;
  assert.ok(await windowOf(ann));
  await handle(ann);
  await handle(ann);
  assert.equal(await windowOf(ann), undefined);
  assert.ok(await windowOf(bob));
});

test('an erasure that cannot be confirmed is tried again', async () => {
  const ann = await service.addUser();
  await service.user.kill();
  await assert.rejects(handle(ann));
  await service.user.restart();
  const confirms = () =>
    handle(ann).then(
      () => true,
      () => false,
    );
  await until('it is confirmed', confirms);
});
