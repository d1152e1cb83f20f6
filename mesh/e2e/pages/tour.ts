import assert from 'node:assert/strict';
import * as oauth from 'openid-client';
import type { BrowserContextOptions, Page, Response } from 'playwright-core';
import { codeOf } from '../../../services/auth/testing/authenticator-app.ts';
import { enrol } from '../flow/mfa.ts';
import type { PagePlace, Visit } from '../testing/chromium.ts';
import { type Person, signUp } from '../testing/people.ts';
import { startApp, type ThirdPartyApp } from '../testing/third-party-app.ts';
import { decide, firstButton, pathOf, press, signIn, submit } from './forms.ts';
import { addAuthenticator, addPasskey } from './passkeys.ts';

/** Looks at a page. @param name what is seen, such as "sign-in" or "sign-in-refused"; each comes once */
export type Look = (name: string, page: Page) => Promise<void>;

/** Who comes along. */
export type Company = {
  readonly look: Look;
  /** Is told of every answer. */
  readonly hear?: (response: Response) => void;
  /** Who it is; somebody new when absent. */
  readonly person?: Person;
};

type Guide = {
  readonly page: Page;
  readonly person: Person;
  /** Who has an authenticator app. */
  readonly careful: Person;
  readonly app: ThirdPartyApp;
  readonly look: Look;
  /** Looks at what our pages have led to by links under this path, and has not been seen. */
  readonly followLinks: (under: string) => Promise<void>;
};

const scope = 'openid profile posts:read posts:write feed:read offline_access';
const maxPages = 100;

/** The paths of the pages that a tour must have seen, whatever has become of it. */
const paths = [
  ...[
    '/signin',
    '/signin/code',
    '/signup',
    '/forgot',
    '/reset',
    '/verify',
    '/keep-email',
    '/consent',
    '/device',
    '/oauth/logout',
    '/signout',
  ],
  ...[
    '',
    '/profile',
    '/security',
    '/sessions',
    '/apps',
    '/keys',
    '/delete',
    '/security/two-step',
    '/security/passkeys',
  ].map((each) => `/account${each}`),
];

/** Shows every page that there is, in each of its states, in one browser. The caller ends the visit. */
export async function tour(
  place: PagePlace,
  browser: BrowserContextOptions,
  { look, hear = () => {}, person: known }: Company,
): Promise<Visit> {
  const { world, chromium } = place;
  const [person, careful, app] = await Promise.all([
    known ?? signUp(world.api, 'mai'),
    signUp(world.api, 'careful'),
    startApp(world),
  ]);
  await enrol(world.api, careful);
  const visit = await chromium.visit({ ...browser, leadsTo: [app.origin] });
  const { page } = visit;
  page.on('response', hear);
  const seen = new Set<string>();
  const found = new Set<string>();

  const lookAndNote: Look = async (name, shown) => {
    seen.add(pathOf(shown));
    for (const path of await linksOf(shown)) found.add(path);
    await look(name, shown);
  };
  async function followLinks(under: string): Promise<void> {
    for (;;) {
      const next = [...found].find((path) => !seen.has(path) && path.startsWith(under));
      if (next === undefined) return;
      assert(seen.size < maxPages, 'pages lead to ever more pages');
      await page.goto(next);
      seen.add(next);
      await lookAndNote(next.slice(1).replaceAll('/', '-'), page);
    }
  }

  const guide = { page, person, careful, app, look: lookAndNote, followLinks };
  await signedOut(guide);
  await toAnApp(guide);
  await device(guide);
  await account(guide);
  await wayOut(guide);
  await problems(guide);
  await followLinks('/');
  assert.deepEqual(
    paths.filter((path) => !seen.has(path)),
    [],
    'pages that were not seen',
  );
  app.close();
  return visit;
}

/** Where the links of a page lead to, among our pages. */
async function linksOf(page: Page): Promise<string[]> {
  const { origin } = new URL(page.url());
  const links = await page.locator('a[href]').evaluateAll((all) => all.map((one) => (one as unknown as URL).href));
  return links.map((href) => new URL(href)).flatMap((url) => (url.origin === origin ? [url.pathname] : []));
}

async function signedOut({ page, person, careful, look }: Guide): Promise<void> {
  await page.goto('/signin');
  await look('sign-in', page);
  await submit(page, { identifier: person.handle, password: 'not the password' });
  await look('sign-in-refused', page);
  await signIn(page, careful);
  await look('sign-in-code', page);
  await submit(page, { otp: '000000' });
  await look('sign-in-code-refused', page);
  await page.goto('/signup');
  await look('sign-up', page);
  await submit(page, { handle: 'a', email: 'mai@oxo.example', password: '1234' });
  await look('sign-up-refused', page);
  await page.goto('/forgot');
  await look('forgot', page);
  await submit(page, { email: 'nobody@oxo.example' });
  await look('forgot-sent', page);
  await page.goto('/verify?token=guessed');
  await look('verify', page);
  await submit(page, {});
  await look('verify-refused', page);
  await page.goto('/keep-email?token=guessed');
  await look('keep-email', page);
  await submit(page, {});
  await look('keep-email-refused', page);
  await page.goto('/reset');
  await look('reset-too-old', page);
  await page.goto('/reset?token=guessed');
  await look('reset', page);
  await submit(page, { password: '1234' });
  await look('reset-refused', page);
}

async function toAnApp({ page, person, app, look }: Guide): Promise<void> {
  await page.goto((await app.ask(scope, { prompt: 'consent' })).address);
  await look('sign-in-to-app', page);
  await signIn(page, person);
  await look('consent', page);
  await decide(page, 'allow');
}

async function device({ page, app, look }: Guide): Promise<void> {
  const { user_code } = await oauth.initiateDeviceAuthorization(app.config, { scope: 'openid feed:read' });
  await page.goto('/device');
  await look('device', page);
  await submit(page, { user_code: 'WRNG-CODE' });
  await look('device-wrong-code', page);
  await submit(page, { user_code });
  await look('device-confirm', page);
  await press(firstButton(page));
  await look('device-consent', page);
  await decide(page, 'allow');
  await look('device-connected', page);
}

async function account(guide: Guide): Promise<void> {
  const { page, look, followLinks } = guide;
  await page.goto('/account');
  await look('account', page);
  await page.goto('/account/keys');
  await page.locator('#name').fill('backup');
  await page.locator('input[value="feed:read"]').check();
  await press(page.locator('button[value=create]'));
  await look('account-keys-made', page);
  await secondStep(guide);
  await passkeys(guide);
  await followLinks('/account');
  await page.goto('/signin?confirm=yes&back=%2Faccount');
  await look('confirm', page);
}

/** An app is set up, and taken away again. */
async function secondStep({ page, look }: Guide): Promise<void> {
  await page.goto('/account/security/two-step');
  await look('two-step-off', page);
  await press(page.locator('button[value=begin]'));
  await look('two-step-set-up', page);
  const secret = ((await page.locator('#secret').textContent()) ?? '').replaceAll(' ', '');
  await submit(page, { otp: '000000' });
  await look('two-step-refused', page);
  await submit(page, { otp: codeOf(secret, Date.now()) });
  await look('two-step-codes', page);
  await press(page.locator('main a[href="/account/security/two-step"]'));
  await look('two-step-on', page);
  await press(page.locator('button[value=disable]'));
}

/** One is added, and taken away again. */
async function passkeys({ page, look }: Guide): Promise<void> {
  await addAuthenticator(page);
  await page.goto('/account/security/passkeys');
  await look('passkeys-none', page);
  await addPasskey(page, 'my phone');
  await look('passkeys', page);
  await page.locator('form[data-passkey] button').click();
  await page.locator('[data-failed]').waitFor();
  await look('passkeys-failed', page);
  await press(page.locator('.rows a'));
  await look('passkeys-rename', page);
  await page.goto('/account/security/passkeys');
  await press(page.locator('button[value=delete]'));
}

async function wayOut({ page, app, look }: Guide): Promise<void> {
  const asked = await app.ask(scope);
  await page.goto(asked.address);
  await decide(page, 'allow');
  const { id_token } = await asked.tokens(page.url());
  await page.goto(app.signOut(id_token ?? assert.fail('no ID token')));
  await look('sign-out-of-app', page);
  await page.goto('/signout');
  await look('sign-out', page);
  await press(page.locator('button[name=logout]'));
  await look('signed-out', page);
}

async function problems({ page, look }: Guide): Promise<void> {
  await page.goto('/consent');
  await look('problem-expired', page);
  await page.goto('/oauth/authorize?client_id=nobody');
  await look('problem-app', page);
  await page.goto('/signin');
  await page
    .locator('main form [name=token]')
    .first()
    .evaluate((field) => field.setAttribute('value', 'forged'));
  await submit(page, { identifier: 'mai', password: 'whatever it is' });
  await look('problem-forged', page);
}
