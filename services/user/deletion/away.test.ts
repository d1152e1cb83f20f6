/** A deletion that not every service has heard of is not called done, and is finished all the same. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasReason } from '#kit/errors.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import { startBus, type TestBus } from '#kit/testing/bus.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startUserService, type TestUserService } from '../testing/user-service.ts';

let service: TestUserService;
let bus: TestBus;
let [ann, bob, cleo] = ['', '', ''];
before(async () => {
  [service, bus] = await Promise.all([startUserService({ withAuth: false }), startBus()]);
  [ann, bob, cleo] = [await service.addUser(), await service.addUser(), await service.addUser()];
  await service.relay(bus.admin);
});
after(async () => {
  await service.close();
  await bus.stop();
});

const isDenied = (id: string) => service.issuer.denyList.isDenied(id);

test('auth away: it is not called done, nothing is published, and the user is gone', async () => {
  for (const person of [ann, bob]) {
    await assert.rejects(service.as(person).deleteMe({}), refused('UNAVAILABLE'));
    await assert.rejects(service.as().getUser({ id: person }), refused('USER_NOT_FOUND'));
  }
  assert.equal(await service.relay(bus.admin), 0);
});

test('who asks again when auth is back is told that it is done; for who does not, the relay does it', async () => {
  await service.startAuth();
  await until('the channel is up again', () =>
    service
      .as(ann)
      .deleteMe({})
      .then(
        () => true,
        () => isDenied(ann),
      ),
  );
  assert.ok(isDenied(ann));
  let published = 0;
  await until('the relay has told auth', async () => {
    published += await service.relay(bus.admin);
    return published === 2;
  });
  assert.ok(isDenied(bob));
});

test('Redis away: it is not called done; the relay finishes it when Redis is back', async () => {
  await service.killRedis();
  try {
    // The client asks again by itself, and may find its token refused by then.
    await assert.rejects(
      service.as(cleo).deleteMe({}),
      (error) => hasReason(error, 'UNAVAILABLE') || hasReason(error, 'SESSION_REVOKED'),
    );
    assert.ok(isDenied(cleo));
    await assert.rejects(service.as().getUser({ id: cleo }), refused('USER_NOT_FOUND'));
  } finally {
    await service.restartRedis();
  }
  await until('the relay has told Redis', async () => (await service.relay(bus.admin)) === 1);
  const profiles = createReadModel(service.redis, { prefix: 'profile', ttlMs: 1 });
  assert.deepEqual(await profiles.getMany([cleo]), ['deleted']);
});
