import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { signUp } from '../testing/people.ts';
import { looks } from './inspections.ts';

/** What Swagger UI's own elements break, none of them ours: the colours of its dark scheme, and of methods in the light one. */
const ofSwagger: readonly string[] = ['color-contrast'];

/** Waits until Swagger UI has taken the place of the list. */
async function openReference(page: Page, hash = ''): Promise<void> {
  await page.goto(`/docs${hash}`);
  await page.locator('#ui .opblock').first().waitFor();
}

/** Gives a token to one of the ways to show who calls. */
async function authorize(page: Page, way: string, token: string): Promise<void> {
  await page.locator('#ui .btn.authorize').click();
  const box = page.locator('.auth-container').filter({ hasText: way });
  await box.locator('input').first().fill(token);
  await box.getByRole('button', { name: /^apply|^authorize/i }).click();
  await page.locator('.btn-done').first().click();
}

/** The API reference in a browser. */
export const reference: Cases<PagePlace> = {
  'a request is tried with a token, and nothing is asked of anybody else': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const { page, assertQuiet, close } = await chromium.visit();
    await openReference(page, '#/Post/createPost');
    await authorize(page, 'bearerAuth', person.accessToken);
    const operation = page.locator('#operations-Post-createPost');
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.locator('textarea').fill('{"text": "by the reference"}');
    const [request] = await Promise.all([
      page.waitForRequest((one) => one.method() === 'POST'),
      operation.getByRole('button', { name: 'Execute' }).click(),
    ]);
    assert.equal(new URL(request.url()).pathname, '/api/v1/posts');
    assert.equal((await request.response())?.status(), 201);
    await operation.locator('.live-responses-table').getByText('by the reference').first().waitFor();
    const { items } = await world.api.get<{ items: { post: { text: string } }[] }>({
      path: '/feed',
      token: person.accessToken,
    });
    assert.equal(items[0]?.post.text, 'by the reference');
    assertQuiet();
    // Nothing that was typed stays when the page is left.
    await page.reload();
    assert.deepEqual(await page.evaluate('[...Object.keys(localStorage), ...Object.keys(sessionStorage)]'), []);
    await close();
  },

  'a sign-in by OAuth gives it the token, with what the person has allowed': async ({ world, chromium }) => {
    const person = await signUp(world.api);
    const { context, page, assertQuiet, close } = await chromium.visit();
    await openReference(page);
    await page.locator('#ui .btn.authorize').click();
    assert.equal(
      await page.locator('.modal-ux-content').evaluate(({ scrollTop }) => scrollTop),
      0,
      'from its beginning',
    );
    const box = page.locator('.auth-container').filter({ hasText: 'oauth2' });
    assert.equal(await box.getByLabel('client_id').inputValue(), 'api-reference');
    await box.locator('label').filter({ hasText: 'feed:read' }).click();
    const [popup] = await Promise.all([context.waitForEvent('page'), box.locator('button.authorize').click()]);
    await popup.locator('[name=identifier]').fill(person.handle);
    await popup.locator('[name=password]').fill(person.password);
    await popup.locator('[name=password]').press('Enter');
    const closed = popup.waitForEvent('close');
    await popup.getByRole('button', { name: 'Allow', exact: true }).click();
    await closed;
    await box.getByText('Authorized', { exact: true }).waitFor();
    await page.locator('.btn-done').first().click();
    const operation = page.locator('#operations-Feed-getFeed');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    const [request] = await Promise.all([
      page.waitForRequest((one) => new URL(one.url()).pathname === '/api/v1/feed'),
      operation.getByRole('button', { name: 'Execute' }).click(),
    ]);
    assert.match(request.headers().authorization ?? '', /^Bearer [\w-]+$/, 'an opaque token, not a JWT');
    assert.equal((await request.response())?.status(), 200);
    assertQuiet();
    await close();
  },

  'the search shows the operations that hold all words, and one is opened': async ({ chromium }) => {
    const { page, assertQuiet, close } = await chromium.visit({ viewport: { width: 390, height: 844 } });
    await openReference(page);
    await page.keyboard.press('/');
    await page.keyboard.type('follow USER');
    const shown = page.locator('nav li:visible');
    assert.ok((await shown.count()) >= 3);
    for (const one of await shown.all()) assert.match((await one.getAttribute('data-words')) ?? '', /follow/);
    await shown.filter({ hasText: 'Makes the caller follow a user' }).getByRole('link').click();
    await page.locator('#operations-User-follow.is-open').getByText('Try it out').waitFor();
    assertQuiet();
    await close();
  },

  'it is accessible, with an operation opened': async ({ chromium }) => {
    const { page, close } = await chromium.visit();
    await openReference(page, '#/Post/createPost');
    await page.locator('#operations-Post-createPost.is-open').getByText('Try it out').waitFor();
    // The tables of an operation that is opened are Swagger UI's own, and wide.
    const found = (await looks(page, ofSwagger)).filter((each) => !/^phone: it is wider/.test(each));
    assert.deepEqual(found, []);
    await close();
  },

  'every operation is read without a script': async ({ chromium }) => {
    const { page, assertQuiet, close } = await chromium.visit({ javaScriptEnabled: false });
    await page.goto('/docs#/Feed/getFeed');
    assert.ok(await page.locator('article').filter({ hasText: '/api/v1/feed' }).first().isVisible());
    assert.equal(await page.locator('nav li').count(), await page.locator('article').count());
    assert.ok(!(await page.getByRole('searchbox').isVisible()));
    assertQuiet();
    await close();
  },
};
