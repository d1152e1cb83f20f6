import assert from 'node:assert/strict';
import type { BrowserContextOptions } from 'playwright-core';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { refusal } from '../testing/client.ts';
import { newHandle, signUp, type User } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { decide, pathOf, press, signIn, submit, textOf } from './forms.ts';

/** None of it needs a script. */
const browser: BrowserContextOptions = { javaScriptEnabled: false };

/** What people do with their own account. */
export const accounts: Cases<PagePlace> = {
  'a person signs up, says who they are, and is seen so': async ({ world, chromium }) => {
    const { page, assertQuiet, close } = await chromium.visit(browser);
    const handle = newHandle();
    await page.goto('/account/profile');
    assert.equal(pathOf(page), '/signin');
    await press(page.locator('a[href^="/signup"]'));
    const account = { handle, email: `${handle}@oxo.example`, displayName: 'Mai' };
    await submit(page, { ...account, password: 'password' });
    assert.equal(await page.locator('#password').getAttribute('aria-invalid'), 'true');
    assert.equal(await page.locator('#handle').inputValue(), handle, 'what was typed stays');
    await submit(page, { ...account, password: 'nine red kites over the harbour' });
    assert.equal(pathOf(page), '/account/profile', 'they come to where they wanted to');
    await submit(page, { bio: 'Writes about birds.\n<b>Not</b> bold', links: 'https://mai.example' });
    assert.ok(await page.locator('[role=status]').isVisible());
    assert.equal(await page.locator('#bio').inputValue(), 'Writes about birds.\n<b>Not</b> bold');
    const { user } = await world.api.get<{ user: User }>({ path: `/users/by-handle/${handle}` });
    assert.deepEqual([user.displayName, user.links], ['Mai', ['https://mai.example']]);
    assertQuiet();
    await close();
  },

  'what is signed in elsewhere is ended from here': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const [here, there] = await Promise.all([chromium.visit(browser), chromium.visit(browser)]);
    for (const { page } of [here, there]) {
      await page.goto('/account/sessions');
      await signIn(page, person);
      assert.equal(pathOf(page), '/account/sessions');
    }
    await here.page.reload();
    assert.equal(await here.page.locator('.rows > li').count(), 3, 'two browsers, and the session of the registration');
    await press(here.page.locator('button[name=others]'));
    assert.equal(await here.page.locator('.rows > li').count(), 1);
    await there.page.goto('/account');
    assert.equal(pathOf(there.page), '/signin');
    await until('the session of the registration is refused', async () => {
      const { status } = await world.api.call({ path: '/users/me', token: person.accessToken });
      return status === 401;
    });
    for (const { assertQuiet, close } of [here, there]) {
      assertQuiet();
      await close();
    }
  },

  'an app from which it is taken back is refused': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const app = await startApp(world);
    const { page, assertQuiet, close } = await chromium.visit({ ...browser, leadsTo: [app.origin] });
    const asked = await app.ask('openid feed:read');
    await page.goto(asked.address);
    await signIn(page, person);
    await decide(page, 'allow');
    const { access_token: token } = await asked.tokens(page.url());
    assert.equal((await world.api.call({ path: '/feed', token })).status, 200);
    await page.goto('/account/apps');
    assert.match(await textOf(page), /Paper Crane/);
    await press(page.locator('.rows button'));
    assert.ok(await page.locator('[role=status]').isVisible());
    assert.equal(await page.locator('.rows > li').count(), 0);
    await until('its token is refused', async () => (await world.api.call({ path: '/feed', token })).status === 401);
    assertQuiet();
    await close();
    app.close();
  },

  'a key is made, used and ended': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const { page, assertQuiet, close } = await chromium.visit(browser);
    await page.goto('/account/keys');
    await signIn(page, person);
    await page.locator('#name').fill('reader');
    await page.locator('input[value="feed:read"]').check();
    await press(page.locator('button[value=create]'));
    const secret = (await page.locator('#secret').textContent()) ?? '';
    const read = (path: string) => world.api.call({ path, headers: { 'x-api-key': secret } });
    assert.equal((await read('/feed')).status, 200);
    assert.equal((await read('/users/me')).status, 403);
    await page.goto('/account/keys');
    assert.ok(!(await page.content()).includes(secret), 'it is shown once');
    await press(page.locator('button[value=revoke]'));
    await until('it is refused', async () => (await read('/feed')).status === 401);
    assertQuiet();
    await close();
  },

  'an account ends when its owner has ticked that they know': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const { page, assertQuiet, close } = await chromium.visit(browser);
    await page.goto('/account/delete');
    await signIn(page, person);
    await submit(page, {});
    assert.ok(await page.locator('[role=alert]').isVisible());
    await page.locator('input[name=sure]').check();
    await submit(page, {});
    assert.ok(await page.locator('[role=status]').isVisible());
    await page.goto('/account');
    assert.equal(pathOf(page), '/signin');
    await signIn(page, person);
    assert.ok(await page.locator('#problem').isVisible());
    const gone = await refusal(world.api, { path: `/users/${person.id}` });
    assert.equal(gone.reason, 'USER_NOT_FOUND');
    assertQuiet();
    await close();
  },
};
