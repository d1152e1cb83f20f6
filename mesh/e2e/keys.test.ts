import { after, before, describe } from 'node:test';
import { rotation } from './flow/rotation.ts';
import { testAll } from './testing/cases.ts';
import { environmentFor, startWorld, type World } from './testing/world.ts';

describe('the keys that sign tokens', () => {
  let world: World;
  before(async () => {
    // As in earnest, a key is published for longer than the front door keeps the keys.
    world = await startWorld({
      replicas: 2,
      jwksCacheMs: 1_000,
      serviceEnv: environmentFor('auth', { KEY_PUBLISHED_FOR_MS: '4000' }),
    });
  });
  after(() => world.stop());

  testAll('take turns', rotation, () => world);
});
