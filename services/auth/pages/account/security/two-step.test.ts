/** People set up what is asked for besides their password. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOUR_MS, SECOND_MS } from '#kit/clock.ts';
import { ACCOUNT_PAGES } from '../../../oauth/routes.ts';
import { startAuthService, type TestAuthService } from '../../../testing/auth-service.ts';
import { codeOf } from '../../../testing/authenticator-app.ts';
import { openTestBrowser, type TestAnswer, type TestBrowser } from '../../../testing/oauth-browser.ts';
import { assertSafe, open, press, settle, signInAt, submit } from '../../../testing/pages.ts';

const PATH = ACCOUNT_PAGES.twoStep;
const BEGIN = 'Set up an authenticator app';
const CONFIRM = 'Turn on two-step sign-in';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

async function visitor(): Promise<{ id: string; handle: string; browser: TestBrowser; page: TestAnswer }> {
  const { id, handle } = await service.signUp();
  const browser = openTestBrowser(service);
  const page = await signInAt(browser, await open(browser, PATH), handle);
  assert.match(page.body, /<h1>Two-step sign-in<\/h1>/);
  return { id, handle, browser, page };
}

const pressed = async (...[browser, page, button, typed]: Parameters<typeof press>) =>
  settle(browser, await press(browser, page, button, typed));
const secretIn = ({ body }: TestAnswer) => /id="secret">([A-Z2-7 ]+)</.exec(body)?.[1]?.replaceAll(' ', '');
const codesIn = ({ body }: TestAnswer) =>
  [...body.matchAll(/<li><code>([0-9a-z-]{19})<\/code>/g)].map(([, code]) => code);
const statusIn = ({ body }: TestAnswer) => /<p role="status">([\s\S]*?)<\/p>/.exec(body)?.[1];
const isOn = async (id: string) => {
  const { accessToken } = await service.signIn(id);
  return (await service.mfa(accessToken).getMfa({})).mfa;
};

test('an app is set up by a QR code or its key, and confirmed by its first code', async () => {
  const { id, handle, browser, page } = await visitor();
  const shown = await press(browser, page, BEGIN);
  assertSafe(shown);
  const secret = secretIn(shown) ?? assert.fail(shown.body);
  assert.match(shown.body, /<svg class="qr" viewBox="0 0 \d+ \d+" role="img" aria-label="QR code for/);
  assert.match(shown.body, new RegExp(`<a href="otpauth://totp/OXO:${handle}\\?[^"]*secret=${secret}`));
  const code = () => codeOf(secret, service.clock.nowMs());

  const wrong = await press(browser, shown, CONFIRM, { otp: '000000' });
  assert.equal(wrong.status, 400);
  assertSafe(wrong);
  assert.match(wrong.body, /id="otp"[^>]*aria-invalid="true" aria-describedby="otp-hint otp-problem" autofocus/);
  assert.ok(!wrong.body.includes(secret), 'it was shown once');
  assert.equal((await press(browser, wrong, CONFIRM, { otp: '' })).status, 400);
  assert.equal((await isOn(id))?.totpEnabled, false);

  const done = await press(browser, wrong, CONFIRM, { otp: code() });
  assertSafe(done);
  assert.equal(new Set(codesIn(done)).size, 10);
  assert.equal(statusIn(done), 'Two-step sign-in is on.');
  assert.deepEqual([(await isOn(id))?.totpEnabled, (await isOn(id))?.recoveryCodesLeft], [true, 10]);

  // The page that was posted is loaded again.
  const again = await pressed(browser, wrong, CONFIRM, { otp: code() });
  assert.match(statusIn(again) ?? '', /^This was sent already/);
  assert.deepEqual(codesIn(again), []);
  assert.match(again.body, /You have 10 recovery codes left/);
  assert.match((await browser.fetch(ACCOUNT_PAGES.security)).body, /Two-step sign-in is on\./);
});

test('a form that is sent again makes no other key, and no other codes', async () => {
  const { id, browser, page } = await visitor();
  const secret = secretIn(await press(browser, page, BEGIN)) ?? assert.fail();
  const repeated = await pressed(browser, page, BEGIN);
  assert.match(statusIn(repeated) ?? '', /^This was sent already/);
  assert.equal(secretIn(repeated), undefined);
  for (const once of ['x', undefined]) {
    assert.equal(secretIn(await pressed(browser, repeated, BEGIN, { once })), undefined);
  }
  const { accessToken } = await service.signIn(id);
  const otp = codeOf(secret, service.clock.nowMs());
  await service.mfa(accessToken).confirmTotp({ otp });

  const state = await browser.fetch(PATH);
  const renewed = await press(browser, state, 'Make new recovery codes');
  assert.equal(codesIn(renewed).length, 10);
  assert.deepEqual(codesIn(await pressed(browser, state, 'Make new recovery codes')), []);
  // Those that were shown are those that count.
  const other = openTestBrowser(service);
  const { handle } = (await service.users.resolveUser({ id })).user ?? assert.fail();
  const asked = await signInAt(other, await open(other, '/signin'), handle);
  const entered = await pressed(other, asked, 'Sign in', { otp: codesIn(renewed)[0] });
  assert.match(entered.body, /<h1>Your account<\/h1>/);
});

test('it is turned off, and on again with another key', async () => {
  const { id, browser, page } = await visitor();
  const first = secretIn(await press(browser, page, BEGIN)) ?? assert.fail();
  await service.mfa((await service.signIn(id)).accessToken).confirmTotp({ otp: codeOf(first, service.clock.nowMs()) });
  const off = await pressed(browser, await browser.fetch(PATH), 'Turn off two-step sign-in');
  assert.equal(statusIn(off), 'Two-step sign-in is off.');
  assert.equal(statusIn(await open(browser, `${PATH}?done=off`)), undefined, 'anybody could have made that link');
  assert.equal((await isOn(id))?.totpEnabled, false);
  const renewed = await pressed(browser, off, BEGIN);
  assert.notEqual(secretIn(renewed) ?? assert.fail(renewed.body), first);
});

test('what is confirmed too late is begun again, in the session that is there', async () => {
  const { handle, browser, page } = await visitor();
  const shown = await press(browser, page, BEGIN);
  const otp = () => codeOf(secretIn(shown) ?? assert.fail(), service.clock.nowMs());
  service.clock.advance(HOUR_MS + SECOND_MS);
  const fresh = await signInAt(browser, await open(browser, PATH), handle);
  const foreign = await press(browser, shown, CONFIRM, { otp: otp() });
  assert.equal(foreign.status, 403, 'of the session before');
  const late = await submit(browser, fresh, { action: 'confirm', otp: otp() });
  assert.equal(late.status, 400);
  assert.match(late.body, /role="alert"[^>]*>That took too long/);
  assert.ok(late.body.includes(BEGIN));
});
