/** The second step of a sign-in is a page of its own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { codeOf } from '../../testing/authenticator-app.ts';
import { openTestBrowser, type TestAnswer, type TestBrowser } from '../../testing/oauth-browser.ts';
import { registerClient } from '../../testing/oauth-client.ts';
import { allowAt, assertSafe, open, requestOf, settle, signInAt, submit, tokensFor } from '../../testing/pages.ts';
import { PASSWORD } from '../../testing/signers.ts';

const SCOPE = 'openid feed:read';
let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

async function enrolled(at = service) {
  const person = await at.signUp();
  const { secret } = await at.mfa(person.accessToken).enrolTotp({});
  const code = (later = 0) => codeOf(secret, at.clock.nowMs() + later * 30 * SECOND_MS);
  const { recoveryCodes } = await at.mfa(person.accessToken).confirmTotp({ otp: code() });
  return { ...person, code, recoveryCodes };
}

/** A browser at the page that asks for the code. */
async function atCode(
  address: string,
  handle: string,
  at = service,
): Promise<{ browser: TestBrowser; page: TestAnswer }> {
  const browser = openTestBrowser(at);
  const page = await signInAt(browser, await open(browser, address), handle);
  assert.match(page.body, /<form method="post" action="\/signin\/code">/);
  return { browser, page };
}

async function type(browser: TestBrowser, page: TestAnswer, otp: string): Promise<TestAnswer> {
  return settle(browser, await submit(browser, page, { otp }));
}

const isAsked = ({ body }: TestAnswer) => body.includes('autocomplete="one-time-code"');

test('who has an authenticator app is asked for its code alone, and the app is told so', async () => {
  const [client, person] = [await registerClient(service), await enrolled()];
  const request = requestOf(client, SCOPE);
  const { browser, page } = await atCode(request.address, person.handle);
  assertSafe(page, new URL(client.redirectUri).origin);
  assert.ok(isAsked(page));
  assert.doesNotMatch(page.body, /type="password"|<p role="alert"/);
  const wrong = await type(browser, page, '000000');
  assert.equal(wrong.status, 400);
  assert.match(wrong.body, /<p role="alert" id="problem">The code is wrong/);
  assert.match(wrong.body, /id="otp"[^>]*aria-invalid="true" aria-describedby="otp-hint otp-problem" autofocus/);
  assert.equal((await type(browser, wrong, '')).status, 400);
  assert.equal((await type(browser, wrong, '- -')).status, 400);
  const consent = await type(browser, wrong, person.code(1));
  const { id_token: idToken } = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.deepEqual([...(decodeJwt(idToken).amr as string[])].sort(), ['mfa', 'otp', 'pwd']);
});

test('a password alone is told to apps as that', async () => {
  const [client, browser, person] = [await registerClient(service), openTestBrowser(service), await service.signUp()];
  const request = requestOf(client, SCOPE);
  const consent = await signInAt(browser, await open(browser, request.address), person.handle);
  const { id_token: idToken } = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.deepEqual(decodeJwt(idToken).amr, ['pwd']);
});

test('a recovery code does it too, once, and the session before has ended', async () => {
  const person = await enrolled();
  const [first, second] = [await atCode('/account/apps', person.handle), await atCode('/signin', person.handle)];
  const [recoveryCode = ''] = person.recoveryCodes;
  const entered = await type(first.browser, first.page, recoveryCode.toUpperCase());
  assert.match(entered.body, /<h1>Connected apps<\/h1>/);
  assert.equal((await type(second.browser, second.page, recoveryCode)).status, 400);
});

test('the password counts in the browser in which it was typed, once, for ten minutes, and until there is another', async () => {
  const person = await enrolled();
  const { browser, page } = await atCode('/signin', person.handle);
  const cookie = browser.cookies.get('oxo_first_step') ?? assert.fail();

  const other = openTestBrowser(service);
  assert.match((await open(other, '/signin/code')).body, /<h1>Sign in<\/h1>/);
  const [id, accountId, ...rest] = cookie.split('.');
  const stranger = await service.signUp();
  for (const forged of [
    cookie.slice(0, -2),
    [id, stranger.id, ...rest].join('.'),
    [accountId, id, ...rest].join('.'),
  ]) {
    const { headers } = await other.fetch('/signin/code', undefined, { cookie: `oxo_first_step=${forged}` });
    assert.match(String(headers.location), /\/signin$/);
  }

  assert.match((await type(browser, page, person.code(1))).body, /<h1>Your account<\/h1>/);
  assert.ok(!browser.cookies.has('oxo_first_step'));
  const again = await submit(browser, page, { otp: person.code(1) });
  assert.equal(again.status, 400);
  assert.match(again.body, /took too long, or was finished already/);
  assert.match(again.body, /type="password"/);
  // Neither has who has kept the cookie, with a code that would count.
  const kept = { cookie: `oxo_first_step=${cookie}; oxo_form=${browser.cookies.get('oxo_form')}` };
  const [recoveryCode = '', otherCode = ''] = person.recoveryCodes;
  const replayed = await submit(openTestBrowser(service), page, { otp: recoveryCode }, kept);
  assert.match(replayed.body, /took too long, or was finished already/);
  const fresh = await atCode('/signin', person.handle);
  assert.match((await type(fresh.browser, fresh.page, recoveryCode)).body, /Your account/, 'it was not spent');

  const slow = await atCode('/signin', person.handle);
  service.clock.advance(10 * MINUTE_MS);
  assert.match((await type(slow.browser, slow.page, otherCode)).body, /took too long, or was finished already/);

  const overtaken = await atCode('/signin', person.handle);
  const { accessToken } = await service.signIn(person.id);
  await service
    .withToken(accessToken)
    .changePassword({ currentPassword: PASSWORD, newPassword: 'nine red kites, harbour' });
  assert.match((await type(overtaken.browser, overtaken.page, otherCode)).body, /took too long/);
});

test('nobody is told of a code before the password is right', async () => {
  const person = await enrolled();
  const browser = openTestBrowser(service);
  const refused = await signInAt(browser, await open(browser, '/signin'), person.handle, 'not the password');
  const unknown = await signInAt(browser, await open(browser, '/signin'), 'nobody_has_this', 'not the password');
  assert.equal(refused.body.replaceAll(person.handle, ''), unknown.body.replaceAll('nobody_has_this', ''));
  assert.ok(!browser.cookies.has('oxo_first_step'));
});

test('codes are counted: too many, and the page says to wait', async () => {
  const few = { attempts: 2, windowMs: HOUR_MS };
  const strict = await startAuthService({ allowances: { otpOfAccountFromNetwork: few, otpOfAccountOnDevice: few } });
  const person = await enrolled(strict);
  const { browser, page } = await atCode('/signin', person.handle, strict);
  for (const status of [400, 400, 429]) assert.equal((await type(browser, page, '000000')).status, status);
  const waiting = await type(browser, page, person.code(1));
  assert.match(waiting.body, /<p role="alert" id="problem">Too many attempts/);
  assert.ok(Number(waiting.headers['retry-after']) > 0);
  await strict.close();
});
