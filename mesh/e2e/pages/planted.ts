import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import type { Cases } from '../testing/cases.ts';
import type { PagePlace } from '../testing/chromium.ts';
import { startApp } from '../testing/third-party-app.ts';
import { focusOrder, headersOf, looks } from './inspections.ts';

/** Of a sound page: what is done to it, and what must be found then. */
const defects: readonly (readonly [string, RegExp, (page: Page) => Promise<string[]>])[] = [
  [`document.querySelector('label').remove()`, /^phone, light: label: /m, looks],
  [`document.querySelector('label').style.color = '#8a8a8a'`, /^desktop, light: color-contrast: /m, looks],
  [
    `document.styleSheets[0].insertRule(
      '@media (prefers-color-scheme: dark) { label { color: #444 !important; } }',
      document.styleSheets[0].cssRules.length,
    )`,
    /^phone, dark: color-contrast: /m,
    looks,
  ],
  [`document.documentElement.removeAttribute('lang')`, /^phone, light: html-has-lang: /m, looks],
  [`document.querySelector('main').style.width = '400px'`, /^phone: it is wider than the window$/m, looks],
  [`document.querySelector('main button').style.outline = 'none'`, /^it is not seen that =Sign in has/m, focusOrder],
  [
    `document.querySelector('main form').insertAdjacentHTML('beforeend', '<input id="x" tabindex="2">')`,
    /Tab/,
    focusOrder,
  ],
  [`document.querySelector('#password').tabIndex = -1`, /^Tab leads to =Sign in instead of password=$/m, focusOrder],
];

/** What the inspections of pages find, so that what they do not find is not there. */
export const planted: Cases<PagePlace> = {
  'what is not accessible is found': async ({ chromium }) => {
    const { page, close } = await chromium.visit({ locale: 'en' });
    for (const [change, wanted, inspect] of defects) {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.goto('/signin');
      await page.evaluate(change);
      assert.match((await inspect(page)).join('\n'), wanted, change);
    }
    await close();
  },

  'a request to another origin, and headers that are missing or too lax, are found': async ({ world, chromium }) => {
    const app = await startApp(world);
    const { context, page, assertQuiet, close } = await chromium.visit({ leadsTo: [app.origin] });
    const safe = {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'`,
      'set-cookie': 'a=b; Path=/; HttpOnly; SameSite=Lax',
    };
    const found = async (changes: Record<string, string>) => {
      const response = await page.goto(app.show('<p>Hello</p>', { ...safe, ...changes }));
      return headersOf(response ?? assert.fail('no answer'));
    };
    assert.deepEqual(await found({}), []);
    for (const [name, value] of [
      ...Object.keys(safe).flatMap((each) => (each === 'set-cookie' ? [] : [[each, ''] as const])),
      ['content-security-policy', `${safe['content-security-policy']}; style-src 'unsafe-inline'`] as const,
      ['content-security-policy', `${safe['content-security-policy']}; img-src *`] as const,
      ['set-cookie', 'a=b; Path=/; SameSite=Lax'] as const,
      ['set-cookie', 'a=b; Path=/; HttpOnly'] as const,
      ['set-cookie', 'a=b; Path=/; HttpOnly; SameSite=Lax; Domain=127.0.0.1'] as const,
    ]) {
      assert.notDeepEqual(await found({ [name]: value }), [], `${name}: ${value}`);
    }
    assertQuiet();
    await context.route('https://elsewhere.invalid/**', (route) => route.abort());
    await page.goto(app.show('<img src="https://elsewhere.invalid/pixel.gif">'));
    assert.throws(assertQuiet, /a request to https:\/\/elsewhere\.invalid\/pixel\.gif/);
    await close();
    app.close();
  },
};
