import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { signUp } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { pathOf } from './forms.ts';
import { hasVisibleFocus } from './inspections.ts';

const focused = (page: Page): Promise<string> =>
  page.evaluate<string>(`(({ id, textContent }) => id || textContent)(document.activeElement)`);

/** Goes on by Tab until something has the focus, which must be seen wherever it comes by. */
async function tabTo(page: Page, name: string): Promise<void> {
  const passed: string[] = [];
  do {
    await page.keyboard.press('Tab');
    passed.push(await focused(page));
    assert.ok(await hasVisibleFocus(page), `it is not seen that ${passed.at(-1)} has the focus`);
    assert.ok(passed.length < 30, `${name} is not reached: ${passed}`);
  } while (passed.at(-1) !== name);
}

async function pressAndWait(page: Page, key: string): Promise<void> {
  await Promise.all([page.waitForEvent('domcontentloaded'), page.keyboard.press(key)]);
}

/** Nothing but keys. */
export const keyboard: Cases<PagePlace> = {
  'a person signs in, unticks a scope and allows the rest by Tab, Space and Enter': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const app = await startApp(world);
    const { page, assertQuiet, close } = await chromium.visit({ leadsTo: [app.origin] });
    const asked = await app.ask('openid profile feed:read');
    await page.goto(asked.address);
    // The cursor stands where one begins, and again in what was wrong.
    assert.equal(await focused(page), 'identifier');
    await page.keyboard.type(person.handle);
    await tabTo(page, 'password');
    await page.keyboard.type('not it');
    await pressAndWait(page, 'Enter');
    assert.equal(await page.locator('#problem').count(), 1);
    assert.equal(await focused(page), 'password');
    await page.keyboard.type(person.password);
    await tabTo(page, 'Sign in');
    await pressAndWait(page, 'Enter');
    assert.equal(pathOf(page), '/consent');
    await tabTo(page, 'scope-profile');
    await tabTo(page, 'scope-feed-read');
    await page.keyboard.press('Space');
    await tabTo(page, 'Allow');
    await pressAndWait(page, 'Space');
    assert.equal(pathOf(page), '/callback');
    assert.equal((await asked.tokens(page.url())).scope, 'openid profile');
    assertQuiet();
    await close();
    app.close();
  },
};
