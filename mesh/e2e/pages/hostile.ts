import assert from 'node:assert/strict';
import type { BrowserContext, Page } from 'playwright-core';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { signUp } from '../testing/people.ts';
import { startApp } from '../testing/third-party-app.ts';
import { pathOf, signIn, textOf } from './forms.ts';

/** Puts something into what our pages answer on their way to the browser, as a page would that forgets to escape. */
async function plant(context: BrowserContext, markup: string, hasPolicy: boolean): Promise<void> {
  await context.route('**/signin', async (route) => {
    const response = await route.fetch();
    const { 'content-security-policy': policy, ...headers } = response.headers();
    const body = (await response.text()).replace('</main>', `${markup}</main>`);
    await route.fulfill({
      response,
      body,
      headers: { ...headers, ...(hasPolicy && policy !== undefined ? { 'content-security-policy': policy } : {}) },
    });
  });
}

const hasRun = (page: Page): Promise<boolean> => page.evaluate<boolean>("'planted' in window");

/** What a page of another origin shows in a frame: the text, or nothing where the browser refuses. */
async function framed(page: Page, address: string): Promise<string> {
  await page.goto(address);
  const [, frame] = page.frames();
  assert.ok(frame !== undefined);
  await frame.waitForLoadState();
  return frame.url().startsWith('chrome-error:') ? '' : ((await frame.locator('body').textContent()) ?? '');
}

/** Others, who would like to do something by our pages. */
export const hostile: Cases<PagePlace> = {
  'no page of another origin has one of ours in a frame': async ({ world, chromium }) => {
    const ours = world.stack.urls.frontDoor;
    const person = await signUp(world.api);
    const app = await startApp(world);
    const { page, close } = await chromium.visit({ leadsTo: [app.origin] });
    await page.goto('/signin');
    await signIn(page, person);
    for (const path of ['/signin', '/signup', '/account', '/device', '/signout', '/docs']) {
      const address = app.show(`<iframe src="${ours}${path}"></iframe>`);
      assert.equal(await framed(page, address), '', path);
    }
    const { address: asked } = await app.ask('openid feed:read');
    assert.equal(await framed(page, app.show(`<iframe src="${asked.replaceAll('&', '&amp;')}"></iframe>`)), '');
    // What may be framed is.
    const own = app.show(`<iframe src="${app.origin}/callback"></iframe>`);
    assert.equal(await framed(page, own), 'Back at the app');
    await close();
    app.close();
  },

  'a script, a style and a form that have got into a page do nothing': async ({ chromium }) => {
    const markup = `<script>window.planted = true</script><img src="x" onerror="window.planted = true">
<style>h1 { display: none }</style><form id="away" action="https://elsewhere.invalid/"><button>Go</button></form>`;
    const { context, page, assertQuiet, close } = await chromium.visit();
    await plant(context, markup, true);
    await page.goto('/signin');
    assert.equal(await hasRun(page), false);
    assert.ok(await page.locator('h1').isVisible());
    const told = page.waitForEvent('console', (message) => message.text().includes('form-action'));
    await page.evaluate("document.querySelector('#away').requestSubmit()");
    await told;
    assert.equal(pathOf(page), '/signin');
    assert.throws(assertQuiet, /Content Security Policy/, 'the browser tells of it');
    await close();
    // By the policy alone: without it they would.
    const bare = await chromium.visit();
    await plant(bare.context, markup, false);
    await bare.page.goto('/signin');
    assert.equal(await hasRun(bare.page), true);
    assert.ok(!(await bare.page.locator('h1').isVisible()));
    await bare.close();
  },

  'the name of an app is text': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const name = '<img src=x onerror="planted=1"><script>planted=1</script>';
    const app = await startApp(world, name);
    const { page, assertQuiet, close } = await chromium.visit({ leadsTo: [app.origin] });
    await page.goto((await app.ask('openid feed:read')).address);
    assert.ok((await textOf(page)).includes(name));
    await signIn(page, person);
    assert.ok((await textOf(page)).includes(name));
    assert.equal(await hasRun(page), false);
    assertQuiet();
    await close();
    app.close();
  },
};
