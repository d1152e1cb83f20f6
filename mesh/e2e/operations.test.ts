import { after, before, describe } from 'node:test';
import { backups } from './operations/backups.ts';
import { doctor } from './operations/doctor.ts';
import { replays } from './operations/replays.ts';
import { testAll } from './testing/cases.ts';
import { startWorld, type World } from './testing/world.ts';

describe('what an operator does while people use it', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  testAll('backups', backups, () => world);
  testAll('doctor', doctor, () => world);
  testAll('events of the past, again', replays, () => world);
});
