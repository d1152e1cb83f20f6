/** People add passkeys at their account, and sign in by them at our pages and on the way to an app. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { MINUTE_MS } from '#kit/clock.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import { startAuthService, type TestAuthService } from '../../../testing/auth-service.ts';
import { openTestBrowser, type TestAnswer, type TestBrowser } from '../../../testing/oauth-browser.ts';
import { registerClient } from '../../../testing/oauth-client.ts';
import {
  allowAt,
  assertSafe,
  open,
  press,
  requestOf,
  settle,
  signInAt,
  tokensFor,
  unescaped,
} from '../../../testing/pages.ts';
import { PASSKEY_SITE, PASSKEY_URL } from '../../../testing/passkeys.ts';
import { createAuthenticator, type SoftwareAuthenticator } from '../../../testing/software-authenticator.ts';
import { SCRIPT_PATH } from '../../passkey-question.ts';

const PATH = ACCOUNT_PAGES.passkeys;
const ADD = 'Add a passkey of this device';
const SIGN_IN = 'Sign in with a passkey';
const SCRIPT = `${PASSKEY_URL}${SCRIPT_PATH}`;

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ publicUrl: PASSKEY_URL });
});
after(() => service.close());

async function visitor() {
  const { id, handle } = await service.signUp();
  const browser = openTestBrowser(service);
  const page = await signInAt(browser, await open(browser, PATH), handle);
  assert.match(page.body, /<h1>Passkeys<\/h1>/);
  return { id, handle, browser, page };
}

/** What the page has the browser asked by. */
function questionIn({ body }: TestAnswer): { challenge: string; user?: { id: string } } {
  return JSON.parse(unescaped(/data-options="([^"]*)"/.exec(body)?.[1] ?? assert.fail(body)));
}

async function add(browser: TestBrowser, page: TestAnswer, authenticator: SoftwareAuthenticator, name = 'my phone') {
  const credential = JSON.stringify(authenticator.create(questionIn(page)));
  return settle(browser, await press(browser, page, ADD, { name, credential }));
}

async function signInBy(browser: TestBrowser, page: TestAnswer, authenticator: SoftwareAuthenticator) {
  const credential = JSON.stringify(authenticator.get(questionIn(page)));
  return settle(browser, await press(browser, page, SIGN_IN, { credential }));
}

const statusIn = ({ body }: TestAnswer) => /<p role="status">([\s\S]*?)<\/p>/.exec(body)?.[1];

test('one is added, used, renamed and deleted', async () => {
  const { browser, page } = await visitor();
  assertSafe(page, { script: SCRIPT });
  const authenticator = createAuthenticator(PASSKEY_SITE);
  const added = await add(browser, page, authenticator, '<my> phone');
  assert.match(statusIn(added) ?? '', /^The passkey is added/);
  assert.match(added.body, /<strong>&lt;my&gt; phone<\/strong>/);

  const other = openTestBrowser(service);
  const before = await other.fetch('/signin');
  assertSafe(before, { script: SCRIPT });
  const entered = await signInBy(other, before, authenticator);
  assert.match(entered.body, /<h1>Your account<\/h1>/);
  const session = other.cookies.get('oxo_session');
  assert.ok(session !== undefined);
  const again = await press(other, before, SIGN_IN, {
    credential: JSON.stringify(authenticator.get(questionIn(before))),
  });
  assert.equal(again.status, 400, 'what it was asked by works once');
  assert.match(again.body, /role="alert" id="problem">The passkey did not work/);

  const renaming = await browser.fetch(/href="([^"]*rename=[^"]*)"/.exec(added.body)?.[1] ?? assert.fail());
  assertSafe(renaming);
  const wrong = await press(browser, renaming, 'Save', { name: '' });
  assert.equal(wrong.status, 400);
  assert.match(wrong.body, /id="name-problem"/);
  const renamed = await settle(browser, await press(browser, renaming, 'Save', { name: 'laptop' }));
  assert.match(renamed.body, /<strong>laptop<\/strong>/);

  const deleted = await settle(browser, await press(browser, renamed, 'Delete: laptop'));
  assert.match(deleted.body, /You have no passkeys/);
  assert.equal((await press(browser, renamed, 'Delete: laptop')).status, 404);
  const refused = await signInBy(
    openTestBrowser(service),
    await openTestBrowser(service).fetch('/signin'),
    authenticator,
  );
  assert.notEqual(refused.status, 200);
});

test('it lets a person in to an app, alone, in place of whoever was signed in, and the app is told', async () => {
  const [client, { id, browser, page }] = [await registerClient(service), await visitor()];
  const authenticator = createAuthenticator(PASSKEY_SITE);
  await add(browser, page, authenticator);
  const stranger = await visitor();
  const before = stranger.browser.cookies.get('oxo_session');
  const request = requestOf(client, 'openid feed:read', { prompt: 'login' });
  const asked = await open(stranger.browser, request.address);
  assertSafe(asked, { script: SCRIPT }, new URL(client.redirectUri).origin);
  const consent = await signInBy(stranger.browser, asked, authenticator);
  assert.notEqual(stranger.browser.cookies.get('oxo_session'), before);
  const { id_token: idToken } = await tokensFor(service, client, request, await allowAt(stranger.browser, consent));
  const claims = decodeJwt(idToken);
  assert.equal(claims.sub, id);
  assert.ok((claims.amr as string[]).includes('hwk'), String(claims.amr));
});

test('what is none, and what comes too late, adds nothing, and the name that was typed stays', async () => {
  const { browser, page } = await visitor();
  for (const credential of ['', '{', '{}', '"x"', 'null']) {
    const answer = await press(browser, page, ADD, { name: 'desk', credential });
    assert.equal(answer.status, 400, credential);
    assert.match(answer.body, /name="name" value="desk"/);
    assert.match(answer.body, /<p role="alert" id="problem">/);
  }
  const credential = JSON.stringify(createAuthenticator(PASSKEY_SITE).create(questionIn(page)));
  service.clock.advance(6 * MINUTE_MS);
  assert.match((await press(browser, page, ADD, { name: 'desk', credential })).body, /it took too long/);
  assert.match((await browser.fetch(PATH)).body, /You have no passkeys/);
});

test('the form is hidden until the script has shown it, and the script is the only one', async () => {
  const { browser, page } = await visitor();
  assert.match(page.body, /<form method="post" action="[^"]*" data-passkey="create" data-options="[^"]*" hidden>/);
  assert.match(page.body, /<p class="note" data-without-passkeys>/);
  const script = await browser.fetch(SCRIPT_PATH);
  assert.deepEqual([script.status, script.headers['content-type']], [200, 'text/javascript; charset=utf-8']);
  assert.match(String(script.headers['cache-control']), /immutable/);
  assert.match(script.body, /navigator\.credentials\.get/);
  for (const path of [ACCOUNT_PAGES.profile, ACCOUNT_PAGES.security, '/signup']) assertSafe(await browser.fetch(path));
});

test('that it is still the same person is not shown by the passkey of another', async () => {
  const [theirs, mine] = [createAuthenticator(PASSKEY_SITE), createAuthenticator(PASSKEY_SITE)];
  const other = await visitor();
  await add(other.browser, other.page, theirs);
  const { browser, page, handle } = await visitor();
  await add(browser, page, mine);
  const confirm = await open(browser, '/signin?confirm=yes');
  const refusal = await signInBy(browser, confirm, theirs);
  assert.equal(refusal.status, 400);
  assert.match(refusal.body, new RegExp(`${handle}[\\s\\S]*${SIGN_IN}`));
  assert.match((await open(browser, ACCOUNT_PAGES.overview)).body, new RegExp(`@${handle}`));
  assert.equal((await signInBy(browser, refusal, mine)).status, 200);
  assert.match((await open(browser, ACCOUNT_PAGES.overview)).body, new RegExp(`@${handle}`));
});
