import { after, before, describe } from 'node:test';
import { brokers } from './crashes/brokers.ts';
import { pushedFollowers, services } from './crashes/services.ts';
import { testAll } from './testing/cases.ts';
import { startWorld, type World } from './testing/world.ts';

describe('what is acknowledged survives kill -9', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ maxPushedFollowers: pushedFollowers });
  });
  after(() => world.stop());

  testAll('of our services', services, () => world);
  testAll('of Postgres and NATS', brokers, () => world);
});
