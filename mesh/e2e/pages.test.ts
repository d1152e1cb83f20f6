import { after, before, describe } from 'node:test';
import { reference } from './pages/reference.ts';
import { testAll } from './testing/cases.ts';
import { type Chromium, openChromium } from './testing/chromium.ts';
import { startWorld, type World } from './testing/world.ts';

describe('pages in Chromium', () => {
  let world: World;
  let chromium: Chromium;
  before(async () => {
    world = await startWorld();
    chromium = await openChromium(world.stack.urls.frontDoor);
  });
  after(async () => {
    await chromium?.close();
    await world?.stop();
  });

  testAll('the API reference', reference, () => ({ world, chromium }));
});
