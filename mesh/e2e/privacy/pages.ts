import { oauthPages, pages } from '../../../gateway/envoy/http-routes.ts';
import { ACCOUNT_PAGES, OAUTH_PATHS } from '../../../services/auth/oauth/routes.ts';
import type { Browser, Shown } from '../testing/browser.ts';
import type { Told } from './lives.ts';
import type { Teller } from './teller.ts';

/** Parameters in which people and apps bring what nobody else may know. */
const parameters = [
  'token',
  'code',
  'user_code',
  'back',
  'state',
  'nonce',
  'login_hint',
  'id_token_hint',
  'client_id',
  'redirect_uri',
  'error_description',
];
/** Fields of forms, whichever page has them. */
const fields = [
  'identifier',
  'handle',
  'email',
  'password',
  'currentPassword',
  'newPassword',
  'otp',
  'displayName',
  'bio',
  'location',
  'name',
  'user_code',
  'token',
  'csrf',
];
/** After them there is nobody to go on with. */
const ends: readonly string[] = [ACCOUNT_PAGES.delete];

/** Every page, by whoever is signed in and by nobody: asked for and posted to, with marks in the address, the form, and the body that is none. */
export async function openEveryPage(teller: Teller, person: Told): Promise<void> {
  const paths = [...pages, ...oauthPages, ...Object.values(ACCOUNT_PAGES), ...OAUTH_PATHS.map(({ path }) => path)];
  for (const path of new Set(paths)) await askOddly(teller, path);
  const browser = teller.browser();
  const signIn = teller.noteShown(await browser.open('/signin'), browser);
  teller.noteShown(await browser.submit(signIn, { identifier: person.handle, password: person.password }), browser);
  for (const path of Object.values(ACCOUNT_PAGES)) if (!ends.includes(path)) await fillIn(teller, browser, path);
  const stranger = teller.browser();
  for (const path of pages) if (path !== '/account') await fillIn(teller, stranger, path);
}

async function askOddly({ marks, send }: Teller, path: string): Promise<void> {
  const marked = (names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, marks.make(`${path}: ${name}`)]));
  const html = { accept: 'text/html', cookie: `oxo_session=${marks.make(`${path}: a cookie`)}` };
  await send(`${path}?${new URLSearchParams(marked(parameters))}`, { headers: html });
  await send(`${path}/${marks.make(`${path}: more of the path`)}${'x1'.repeat(20)}`, { headers: html });
  await send(path, { form: { ...marked(fields), ...marked(parameters) } });
  await send(path, {
    form: marked(fields),
    headers: { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' },
  });
  await send(path, { json: marked(fields) });
  await send(path, { json: `{"broken":"${marks.make(`${path}: broken JSON`)}` });
}

/** Fills the form of a page in, where it has one. */
async function fillIn(teller: Teller, browser: Browser, path: string): Promise<void> {
  const shown: Shown = teller.noteShown(await browser.open(path), browser);
  const names = [...shown.body.matchAll(/<(?:input|textarea)\b[^>]*\sname="([^"]*)"[^>]*>/g)]
    .filter(([tag]) => !/type="(hidden|checkbox|radio)"/.test(tag))
    .map(([, name = '']) => name);
  if (!/<form\b/.test(shown.body) || names.length === 0) return;
  const values = Object.fromEntries(names.map((name) => [name, teller.marks.make(`${path}: the field ${name}`)]));
  teller.noteShown(await browser.submit(shown, values), browser);
}
