import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import type { BrowserContextOptions } from 'playwright-core';
import { until } from '#kit/testing/until.ts';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { post, signUp } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { decide, firstButton, pathOf, press, signIn, submit, textOf } from './forms.ts';

type Place = PagePlace & { readonly browser: BrowserContextOptions };

/** Other people's apps, and the person who uses them in a browser that is like this. */
export const apps = (browser: BrowserContextOptions): Cases<PagePlace> =>
  Object.fromEntries(Object.entries(cases).map(([name, run]) => [name, (place) => run({ ...place, browser })]));

const cases: Cases<Place> = {
  'an app may do what was left ticked, and the API refuses it the rest': async ({ world, chromium, browser }) => {
    const person = await signUp(world.api);
    const { id } = await post(world.api, person, 'read by an app', 'FOLLOWERS');
    const app = await startApp(world);
    const { page, assertQuiet, close } = await chromium.visit({ ...browser, leadsTo: [app.origin] });
    const asked = await app.ask('openid profile posts:read feed:read');
    await page.goto(asked.address);
    assert.equal(pathOf(page), '/signin');
    await signIn(page, person);
    assert.equal(pathOf(page), '/consent');
    assert.match(await textOf(page), new RegExp(`Paper Crane[\\s\\S]*${person.handle}`));
    await page.locator('input[value="feed:read"]').uncheck();
    await decide(page, 'allow');
    assert.equal(pathOf(page), '/callback');
    const tokens = await asked.tokens(page.url());
    assert.deepEqual(tokens.scope?.split(' ').sort(), ['openid', 'posts:read', 'profile']);
    const api = (path: string) => {
      const url = new URL(`/api/v1${path}`, world.stack.urls.frontDoor);
      return oauth.fetchProtectedResource(app.config, tokens.access_token, url, 'GET');
    };
    assert.equal((await api(`/posts/${id}`)).status, 200);
    const cause = [{ scheme: 'bearer', parameters: { error: 'insufficient_scope', scope: 'feed:read' } }];
    await assert.rejects(api('/feed'), { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status: 403, cause });

    // The browser knows its person. Another program of the machine could say that it is this app, so they are asked again.
    const again = await app.ask('openid profile posts:read');
    await page.goto(again.address);
    assert.equal(pathOf(page), '/consent');
    await decide(page, 'allow');
    assert.equal((await again.tokens(page.url())).scope, 'openid profile posts:read');
    assertQuiet();
    await close();
    app.close();
  },

  'an app that is not allowed gets nothing': async ({ world, chromium, browser }) => {
    const person = await signUp(world.api);
    const app = await startApp(world);
    const { page, assertQuiet, close } = await chromium.visit({ ...browser, leadsTo: [app.origin] });
    const asked = await app.ask('openid feed:read');
    await page.goto(asked.address);
    await signIn(page, person);
    await decide(page, 'deny');
    assert.equal(pathOf(page), '/callback');
    await assert.rejects(asked.tokens(page.url()), { error: 'access_denied' });
    assertQuiet();
    await close();
    app.close();
  },

  'a device is connected by the code that is typed in another browser': async ({ world, chromium, browser }) => {
    const person = await signUp(world.api);
    const app = await startApp(world);
    const device = await oauth.initiateDeviceAuthorization(app.config, { scope: 'openid posts:read feed:read' });
    const { page, assertQuiet, close } = await chromium.visit(browser);
    await page.goto(device.verification_uri);
    await submit(page, { user_code: 'WRNG-CODE' });
    assert.equal(await page.locator('#user_code').getAttribute('aria-invalid'), 'true');
    await submit(page, { user_code: device.user_code });
    assert.match(await textOf(page), new RegExp(device.user_code));
    await press(firstButton(page));
    await signIn(page, person);
    await page.locator('input[value="posts:read"]').uncheck();
    await decide(page, 'allow');
    assert.ok(await page.locator('[role=status]').isVisible());
    const tokens = await oauth.pollDeviceAuthorizationGrant(app.config, { ...device, interval: 0 });
    assert.equal(tokens.scope, 'openid feed:read');
    assert.equal(tokens.claims()?.sub, person.id);
    assertQuiet();
    await close();
    app.close();
  },

  'who signs out, at an app or at our pages, is signed out of everything in this browser': async ({
    world,
    chromium,
    browser,
  }) => {
    const person = await signUp(world.api);
    const app = await startApp(world);
    const { context, page, assertQuiet, close } = await chromium.visit({ ...browser, leadsTo: [app.origin] });
    const signOuts = [
      async (idToken: string) => {
        await page.goto(app.signOut(idToken));
        await press(page.locator('button[name=logout]'));
        assert.equal(pathOf(page), '/signed-out');
      },
      async () => {
        await page.goto('/signout');
        await press(page.locator('button[name=logout]'));
        assert.ok(await page.locator('[role=status]').isVisible());
      },
    ];
    for (const signOut of signOuts) {
      const asked = await app.ask('openid feed:read', { prompt: 'consent' });
      await page.goto(asked.address);
      await signIn(page, person);
      await decide(page, 'allow');
      const tokens = await asked.tokens(page.url());
      const cookies = await context.cookies(world.stack.urls.frontDoor);
      await page.goto('/account');
      assert.equal(pathOf(page), '/account');
      await signOut(tokens.id_token ?? assert.fail('no ID token'));
      await page.goto('/account');
      assert.equal(pathOf(page), '/signin');
      await page.goto((await app.ask('openid')).address);
      assert.equal(pathOf(page), '/signin');
      await until('its token is refused', async () => {
        const url = new URL('/api/v1/feed', world.stack.urls.frontDoor);
        const answer = await fetch(url, { headers: { authorization: `Bearer ${tokens.access_token}` } });
        return answer.status === 401;
      });
      // Who has kept the cookies of before is nobody with them.
      await context.clearCookies();
      await context.addCookies(cookies);
      await page.goto('/account');
      assert.equal(pathOf(page), '/signin');
      await context.clearCookies();
    }
    assertQuiet();
    await close();
    app.close();
  },
};
