import { after, before, describe } from 'node:test';
import { accounts } from './pages/accounts.ts';
import { apps } from './pages/apps.ts';
import { everyPage } from './pages/every-page.ts';
import { hostile } from './pages/hostile.ts';
import { keyboard } from './pages/keyboard.ts';
import { mailed } from './pages/mailed.ts';
import { passkeys } from './pages/passkeys.ts';
import { planted } from './pages/planted.ts';
import { reference } from './pages/reference.ts';
import { secondSteps } from './pages/second-steps.ts';
import { testAll } from './testing/cases.ts';
import { type Chromium, openChromium } from './testing/chromium.ts';
import { startPageWorld } from './testing/page-world.ts';
import type { World } from './testing/world.ts';

describe('pages in Chromium', () => {
  let world: World;
  let chromium: Chromium;
  before(async () => {
    world = await startPageWorld();
    chromium = await openChromium(world.stack.urls.frontDoor);
  });
  after(async () => {
    await chromium?.close();
    await world?.stop();
  });

  testAll('the API reference', reference, () => ({ world, chromium }));
  testAll('apps of others', apps({}), () => ({ world, chromium }));
  testAll('apps of others, without a script', apps({ javaScriptEnabled: false }), () => ({ world, chromium }));
  testAll('accounts', accounts, () => ({ world, chromium }));
  testAll('what mails lead to', mailed, () => ({ world, chromium }));
  testAll('second steps', secondSteps, () => ({ world, chromium }));
  testAll('passkeys', passkeys, () => ({ world, chromium }));
  testAll('keys alone', keyboard, () => ({ world, chromium }));
  testAll('every page', everyPage, () => ({ world, chromium }));
  testAll('what the inspections find', planted, () => ({ world, chromium }));
  testAll('pages and people who mean no good', hostile, () => ({ world, chromium }));
});
