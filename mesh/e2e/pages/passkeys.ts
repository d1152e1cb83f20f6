import assert from 'node:assert/strict';
import type { CDPSession, Page } from 'playwright-core';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { signUp } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { decide, pathOf, press, signIn } from './forms.ts';

const path = '/account/security/passkeys';

/** Something that holds passkeys, as a phone does, and says yes to all that it is asked. */
type Authenticator = {
  readonly refuse: (isRefusing: boolean) => Promise<unknown>;
  readonly count: () => Promise<number>;
};

/** Chromium's own, for the pages of one tab. */
export async function addAuthenticator(page: Page): Promise<Authenticator> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  });
  return {
    refuse: (isRefusing) => session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: !isRefusing }),
    count: async () => (await session.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
  };
}

/** Adds one at the account's page, under this name. */
export async function addPasskey(page: Page, name: string): Promise<void> {
  await page.locator('#name').fill(name);
  await press(page.locator('form[data-passkey] button'));
}

/** By the keys alone, as those who do not see the page do it. */
async function pressByKey(page: Page): Promise<void> {
  await page.locator('form[data-passkey] button').focus();
  await Promise.all([page.waitForEvent('domcontentloaded'), page.keyboard.press('Enter')]);
}

export const passkeys: Cases<PagePlace> = {
  'one that is added lets in alone, at our pages and on the way to an app, until it is deleted': async ({
    world,
    chromium,
  }) => {
    const person = await signUp(world.api);
    const app = await startApp(world);
    const { context, page, assertQuiet, close } = await chromium.visit({ leadsTo: [app.origin] });
    const authenticator = await addAuthenticator(page);
    await page.goto(path);
    await signIn(page, person);
    assert.equal(pathOf(page), path);
    assert.ok(!(await page.locator('[data-without-passkeys]').isVisible()));
    await addPasskey(page, 'my phone');
    assert.ok(await page.locator('[role=status]').isVisible());
    assert.match((await page.locator('.rows').textContent()) ?? '', /my phone/);
    assert.equal(await authenticator.count(), 1);

    // A device that has one is asked for no other.
    await page.locator('form[data-passkey] button').click();
    await page.locator('[data-failed]').waitFor();
    assert.equal(await authenticator.count(), 1);

    const cookies = async () => (await context.cookies()).find(({ name }) => name.endsWith('oxo_session'))?.value;
    const before = await cookies();
    await context.clearCookies();
    await page.goto('/account/sessions');
    await press(page.locator('form[data-passkey] button'));
    assert.equal(pathOf(page), '/account/sessions');
    assert.notEqual(await cookies(), before);

    await context.clearCookies();
    const asked = await app.ask('openid feed:read');
    await page.goto(asked.address);
    await pressByKey(page);
    assert.equal(pathOf(page), '/consent');
    await decide(page, 'allow');
    const claims = (await asked.tokens(page.url())).claims();
    assert.equal(claims?.sub, person.id);
    assert.ok(Array.isArray(claims?.amr) && claims.amr.includes('hwk'), `${claims?.amr}`);

    await page.goto(path);
    await press(page.locator('.rows button[value=delete]'));
    assert.equal(await page.locator('.rows > li').count(), 0);
    await context.clearCookies();
    await page.goto('/signin');
    await press(page.locator('form[data-passkey] button'));
    assert.equal(pathOf(page), '/signin');
    assert.ok(await page.locator('#problem').isVisible());
    assertQuiet();
    await close();
    app.close();
  },

  'who does not let it be used is told so, and signs in by the password': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const { page, assertQuiet, close } = await chromium.visit();
    const authenticator = await addAuthenticator(page);
    await page.goto('/signin');
    await authenticator.refuse(true);
    await page.locator('form[data-passkey] button').click();
    await page.locator('[data-failed]').waitFor();
    assert.equal(await page.locator('[data-failed]').getAttribute('role'), 'alert');
    await signIn(page, person);
    assert.equal(pathOf(page), '/account');
    assertQuiet();
    await close();
  },

  'without a script there is no button, and a passkey is renamed and deleted all the same': async ({
    world,
    chromium,
  }) => {
    const person = await signUp(world.api);
    const { page, close, assertQuiet } = await chromium.visit();
    await addAuthenticator(page);
    await page.goto(path);
    await signIn(page, person);
    await addPasskey(page, 'my phone');
    const plain = await chromium.visit({ javaScriptEnabled: false });
    await plain.page.goto('/signin');
    assert.ok(!(await plain.page.locator('form[data-passkey]').isVisible()));
    await plain.page.goto(path);
    await signIn(plain.page, person);
    assert.ok(await plain.page.locator('[data-without-passkeys]').isVisible());
    await press(plain.page.locator('.rows a'));
    await plain.page.locator('#name').fill('old phone');
    await press(plain.page.locator('button[value=rename]'));
    assert.match((await plain.page.locator('.rows').textContent()) ?? '', /old phone/);
    await press(plain.page.locator('button[value=delete]'));
    assert.equal(await plain.page.locator('.rows > li').count(), 0);
    for (const quiet of [assertQuiet, plain.assertQuiet]) quiet();
    await plain.close();
    await close();
  },
};
