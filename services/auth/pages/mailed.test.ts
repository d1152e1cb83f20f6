/** What people do by what was mailed to them, and at the page of the address and the password. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser } from '../testing/oauth-browser.ts';
import { assertSafe, open, press, settle, signInAt, submit } from '../testing/pages.ts';
import { PASSWORD } from '../testing/signers.ts';

const OTHER = 'another walk in the rain 18';
let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const tokenFor = async (recipient: string, kind: string) =>
  (await service.mails(recipient)).filter((mail) => mail.kind === kind).at(-1)?.token ?? assert.fail(kind);

/** Somebody whose address is confirmed, by the page. */
async function confirmed() {
  const person = await service.signUp();
  const email = `${person.handle}@example.org`;
  const browser = openTestBrowser(service);
  const page = await open(browser, `/verify?token=${await tokenFor(email, 'VERIFY_EMAIL')}`);
  assertSafe(page);
  const done = await submit(browser, page, {});
  assert.equal(done.status, 200, done.body);
  assertSafe(done);
  assert.match(done.body, /<p role="status">Your email address is confirmed/);
  return { ...person, email };
}

test('the link of a mail changes nothing by itself, and its secret leaves the address at once', async () => {
  const { accessToken, handle } = await service.signUp();
  const token = await tokenFor(`${handle}@example.org`, 'VERIFY_EMAIL');
  const browser = openTestBrowser(service);
  for (const path of ['/verify', '/reset', '/keep-email']) {
    const answer = await browser.fetch(`${path}?token=${token}`);
    assert.equal(answer.status, 303);
    assert.equal(answer.location?.href, `${ISSUER}${path}`);
    const cookie = [answer.headers['set-cookie'] ?? []].flat().join();
    assert.match(cookie, /^oxo_mail_[\w-]+=[\w-]+; path=\/; max-age=3600; samesite=lax; httponly$/);
    const page = await open(browser, path);
    assertSafe(page);
    assert.ok(!page.body.includes(token));
  }
  assert.equal((await service.withToken(accessToken).getAccount({})).account?.emailVerified, false);
  const foreign = await submit(browser, await open(browser, '/verify'), {}, { 'sec-fetch-site': 'cross-site' });
  assert.equal(foreign.status, 403);
  assert.equal((await openTestBrowser(service).fetch('/verify', { token: 'x' })).status, 403);
});

test('an address is confirmed by its owner, and a link that is none is not taken', async () => {
  const { accessToken, email } = await confirmed();
  const { account } = await service.withToken(accessToken).getAccount({});
  assert.deepEqual([account?.email, account?.emailVerified], [email, true]);
  for (const token of ['x', 'a'.repeat(64), '%22%3E%3Cscript%3E', '']) {
    const browser = openTestBrowser(service);
    const page = await open(browser, `/verify?token=${token}`);
    const answer = page.status === 200 ? await submit(browser, page, {}) : page;
    assert.equal(answer.status, 400, token);
    assertSafe(answer);
    assert.match(answer.body, /This link is not valid any more/);
  }
});

test('the address that there is hears that another one was asked for, and keeps its place by that mail', async () => {
  const { accessToken, email, handle } = await confirmed();
  const me = service.withToken(accessToken);
  const theirs = `thief_${handle}@example.org`;
  await me.changeEmail({ email: theirs });
  const token = await tokenFor(email, 'EMAIL_CHANGE_ASKED');
  const browser = openTestBrowser(service);
  const page = await open(browser, `/keep-email?token=${token}`);
  assertSafe(page);
  assert.equal((await me.getAccount({})).account?.pendingEmail, theirs, 'following the link changes nothing');
  const done = await submit(browser, page, {});
  assert.match(done.body, /<p role="status">Your email address stays as it is\. .*<a href="\/forgot">/);
  assert.equal((await me.getAccount({})).account?.pendingEmail, '');
  const theirToken = await tokenFor(theirs, 'VERIFY_EMAIL');
  await assert.rejects(service.as().verifyEmail({ token: theirToken }), refused('EMAIL_TOKEN_INVALID'));
  // Again it changes nothing, and what was mailed for something else keeps nothing.
  const again = openTestBrowser(service);
  assert.equal((await submit(again, await open(again, `/keep-email?token=${token}`), {})).status, 200);
  const other = await open(again, `/keep-email?token=${theirToken}`);
  assert.equal((await submit(again, other, {})).status, 400);
});

test('who is at another address by now keeps nothing by the mail of before', async () => {
  const { accessToken, email, handle } = await confirmed();
  await service.withToken(accessToken).changeEmail({ email: `next_${handle}@example.org` });
  await service.as().verifyEmail({ token: await tokenFor(`next_${handle}@example.org`, 'VERIFY_EMAIL') });
  const browser = openTestBrowser(service);
  const page = await open(browser, `/keep-email?token=${await tokenFor(email, 'EMAIL_CHANGE_ASKED')}`);
  assert.equal((await submit(browser, page, {})).status, 400);
});

test('page and mail tell what a change of the password leaves as it is', async () => {
  const { accessToken, email, handle } = await confirmed();
  await service.apiKeys(accessToken).createApiKey({ name: 'Bot', scopes: ['feed:read'] });
  const browser = openTestBrowser(service);
  await signInAt(browser, await open(browser, '/signin'), handle);
  const page = await browser.fetch('/account/security');
  assertSafe(page);
  assert.match(page.body, /<li><a href="\/account\/keys">API keys: 1<\/a><\/li>/);
  assert.doesNotMatch(page.body, /Passkeys: |Connected apps: /);
  await service.withToken(accessToken).changeEmail({ email: `next_${handle}@example.org` });
  const typed = { currentPassword: PASSWORD, newPassword: OTHER };
  assert.equal((await press(browser, page, 'Change the password', typed)).status, 303);
  const { params } = (await service.mails(email)).find(({ kind }) => kind === 'PASSWORD_CHANGED') ?? assert.fail();
  assert.deepEqual(
    [params.apiKeys, params.passkeys, params.apps, params.emailKept],
    ['1', undefined, undefined, 'yes'],
  );
});

test('who has forgotten the password chooses another one, and all else is signed out', async () => {
  const { id, handle, email } = await confirmed();
  const other = await service.signIn(id);
  const browser = openTestBrowser(service);
  const forgot = await open(browser, '/forgot');
  assertSafe(forgot);
  const asked = [email, 'nobody@example.org'].map((address) => submit(browser, forgot, { email: address }));
  const [known, unknown] = (await Promise.all(asked)).map(({ status, body }) => ({ status, body }));
  assert.deepEqual(known, unknown);
  assert.equal((await submit(browser, forgot, { email: 'x' })).status, 400);

  const page = await open(browser, `/reset?token=${await tokenFor(email, 'RESET_PASSWORD')}`);
  assertSafe(page);
  const weak = await submit(browser, page, { password: '1234567890' });
  assert.equal(weak.status, 400);
  assert.match(weak.body, /id="password-problem">This is (one of the most common|a sequence)/);
  const done = await submit(browser, weak, { password: OTHER });
  assert.equal(done.status, 200, done.body);
  assert.match(done.body, /<p role="status">Your password is changed/);
  await assert.rejects(service.as().refresh({ refreshToken: other.refreshToken }), refused('REFRESH_TOKEN_INVALID'));
  assert.equal((await signInAt(browser, await open(browser, '/signin'), handle, PASSWORD)).status, 400);
  assert.match((await signInAt(browser, await open(browser, '/signin'), handle, OTHER)).body, /Your account/);
  // It works once.
  const again = await open(openTestBrowser(service), '/reset');
  assert.equal(again.status, 400);
  assert.match(again.body, /<a href="\/forgot">/);
});

test('the address and the password are changed by who is signed in', async () => {
  const { id, handle, email } = await confirmed();
  const [browser, elsewhere] = [openTestBrowser(service), await service.signIn(id)];
  await signInAt(browser, await open(browser, '/signin'), handle);
  const page = await browser.fetch('/account/security');
  assertSafe(page);
  assert.ok(page.body.includes(`<strong>${email}</strong>`));
  assert.equal((await press(browser, page, 'Change the address', { email: 'x' })).status, 400);
  const next = `next_${handle}@example.org`;
  const asked = await settle(browser, await press(browser, page, 'Change the address', { email: next }));
  assert.match(asked.body, /<p role="status">A mail with a link is on its way/);
  assert.ok(asked.body.includes(`It changes to <strong>${next}</strong>`));
  assert.equal((await press(browser, asked, 'Mail the link again')).status, 303);
  await submit(browser, await open(browser, `/verify?token=${await tokenFor(next, 'VERIFY_EMAIL')}`), {});
  assert.ok((await browser.fetch('/account/security')).body.includes(`<strong>${next}</strong>`));

  const wrong = await press(browser, page, 'Change the password', {
    currentPassword: 'wrong wrong 1',
    newPassword: OTHER,
  });
  assert.equal(wrong.status, 400);
  const typed = { currentPassword: PASSWORD, newPassword: OTHER };
  const short = await press(browser, page, 'Change the password', { ...typed, newPassword: 'x' });
  assert.match(short.body, /id="newPassword-problem">Use 10 to 256 characters/);
  const changed = await settle(browser, await press(browser, page, 'Change the password', typed));
  assert.match(changed.body, /<p role="status">Your password is changed/);
  await assert.rejects(
    service.as().refresh({ refreshToken: elsewhere.refreshToken }),
    refused('REFRESH_TOKEN_INVALID'),
  );
  assert.equal((await browser.fetch('/account')).status, 200);
  const devices = { name: 'test-devices', text: 'select 1 from known_devices where account_id = $1' };
  assert.equal((await service.db.query(devices, [id])).length, 1, 'only the browser that asks stays known');
});
