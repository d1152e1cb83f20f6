import { after, before, describe } from 'node:test';
import { bodies } from './abuse/bodies.ts';
import { floods } from './abuse/floods.ts';
import { overload } from './abuse/overload.ts';
import { slowClients } from './abuse/slow-clients.ts';
import { smuggling } from './abuse/smuggling.ts';
import { testAll } from './testing/cases.ts';
import { startWorld, type World } from './testing/world.ts';

describe('abuse harms nobody but who does it', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  testAll('bodies and addresses', bodies, () => world);
  testAll('smuggling', smuggling, () => world);
  testAll('floods of HTTP/2', floods, () => world);
  testAll('overload', overload, () => world);
  testAll('slow clients', slowClients, () => world);
});
