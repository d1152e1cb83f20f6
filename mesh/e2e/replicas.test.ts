import { after, before, describe } from 'node:test';
import { twoOfEach } from './replicas/two-of-each.ts';
import { testAll } from './testing/cases.ts';
import { startWorld, type World } from './testing/world.ts';

describe('two processes of every service', () => {
  let world: World;
  before(async () => {
    world = await startWorld({ replicas: 2 });
  });
  after(() => world.stop());

  testAll('behind one front door', twoOfEach, () => world);
});
