import { after, before, describe } from 'node:test';
import { neighbours } from './outages/neighbours.ts';
import { oauthOutages } from './outages/oauth.ts';
import { redis } from './outages/redis.ts';
import { testAll } from './testing/cases.ts';
import { startWorld, type World } from './testing/world.ts';

describe('what goes on while a part is away', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  testAll('Redis', redis, () => world);
  testAll('what OAuth is kept in', oauthOutages, () => world);
  testAll('our services', neighbours, () => world);
});
