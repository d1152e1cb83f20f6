import assert from 'node:assert/strict';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { CODE_PERIOD_MS, codeOf } from '../../../services/auth/testing/authenticator-app.ts';
import { enrol } from '../flow/mfa.ts';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { signUp } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { decide, pathOf, press, signIn, submit } from './forms.ts';

const browser: BrowserContextOptions = { javaScriptEnabled: false };

/** Sign-ins of people who want more than a password. None of it needs a script. */
export const secondSteps: Cases<PagePlace> = {
  'a password alone leads to a page that asks for a code, and the code to the app, which is told': async ({
    world,
    chromium,
  }) => {
    const person = await signUp(world.api);
    const { secret, recoveryCodes } = await enrol(world.api, person);
    const app = await startApp(world);
    // The code that has confirmed the app is used up.
    const codes = [() => codeOf(secret, Date.now() + CODE_PERIOD_MS), () => recoveryCodes[0] ?? assert.fail()];
    for (const code of codes) {
      const { page, assertQuiet, close } = await chromium.visit({ ...browser, leadsTo: [app.origin] });
      const asked = await app.ask('openid feed:read');
      await page.goto(asked.address);
      await signIn(page, person);
      assert.equal(pathOf(page), '/signin/code');
      assert.equal(await page.locator('#otp').getAttribute('autocomplete'), 'one-time-code');
      await page.reload();
      await submit(page, { otp: '000000' });
      assert.ok(await page.locator('[role=alert]').isVisible());
      assert.equal(await page.locator('#otp').getAttribute('aria-invalid'), 'true');
      assert.equal(pathOf(page), '/signin/code');
      await submit(page, { otp: code() });
      assert.equal(pathOf(page), '/consent');
      await decide(page, 'allow');
      const amr = (await asked.tokens(page.url())).claims()?.amr;
      assert.ok(Array.isArray(amr) && amr.includes('mfa'), `${amr}`);
      await page.goto('/signin/code');
      assert.equal(pathOf(page), '/account', 'what was typed before is used up');
      assertQuiet();
      await close();
    }
    app.close();
  },

  'an app is set up by the page, its codes and the recovery codes let in, and it is turned off': async ({
    world,
    chromium,
  }) => {
    const person = await signUp(world.api);
    const { page, assertQuiet, close } = await chromium.visit(browser);
    await page.goto('/account/security');
    await signIn(page, person);
    await press(page.locator('main a[href="/account/security/two-step"]'));
    await press(page.locator('button[value=begin]'));
    const typed = ((await page.locator('#secret').textContent()) ?? '').replaceAll(' ', '');
    const scanned = new URL((await page.locator('main a[href^="otpauth:"]').getAttribute('href')) ?? '');
    assert.equal(scanned.searchParams.get('secret'), typed);
    assert.deepEqual(await moduleColours(page), ['#000', '#fff']);
    await submit(page, { otp: codeOf(typed, Date.now()) });
    assert.ok(await page.locator('[role=status]').isVisible());
    const codes = await page.locator('#codes code').allTextContents();
    assert.equal(codes.length, 10);
    await page.reload();
    assert.equal(pathOf(page), '/account/security/two-step');
    assert.equal(await page.locator('#codes').count(), 0, 'what was posted again shows nothing again');

    for (const code of [codeOf(typed, Date.now() + CODE_PERIOD_MS), codes[0] ?? assert.fail()]) {
      const other = await chromium.visit(browser);
      await other.page.goto('/account/sessions');
      await signIn(other.page, person);
      await submit(other.page, { otp: code });
      assert.equal(pathOf(other.page), '/account/sessions');
      await other.close();
    }
    await page.goto('/account/security/two-step');
    await press(page.locator('button[value=disable]'));
    assert.ok(await page.locator('[role=status]').isVisible());
    const free = await chromium.visit(browser);
    await free.page.goto('/signin');
    await signIn(free.page, person);
    assert.equal(pathOf(free.page), '/account');
    await free.close();
    assertQuiet();
    await close();
  },
};

/** In what the code is drawn: readers know it in black on white, whatever the scheme. */
async function moduleColours(page: Page): Promise<(string | null)[]> {
  const shapes = await page.locator('svg.qr > *').all();
  return (await Promise.all(shapes.map((shape) => shape.getAttribute('fill')))).sort();
}
