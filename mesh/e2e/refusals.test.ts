import { after, before, describe } from 'node:test';
import { badInput } from './refusals/bad-input.ts';
import { credentials } from './refusals/credentials.ts';
import { serviceMetrics } from './refusals/metrics.ts';
import { testAll } from './testing/cases.ts';
import { startWorld, type World } from './testing/world.ts';

describe('what is refused', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  testAll('bad input', badInput, () => world);
  testAll('credentials', credentials, () => world);
  // Last: what the others have sent must not show.
  testAll('metrics', serviceMetrics, () => world);
});
