/** People look after their account at our pages. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { ACCOUNT_PAGES } from '../../oauth/routes.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { callHttp, openTestBrowser, type TestAnswer, type TestBrowser } from '../../testing/oauth-browser.ts';
import { registerClient } from '../../testing/oauth-client.ts';
import {
  allowAt,
  assertSafe,
  fieldsOf,
  open,
  press,
  requestOf,
  settle,
  signInAt,
  submit,
  tokensFor,
} from '../../testing/pages.ts';
import type { SignedUp } from '../../testing/signers.ts';
import { TEXTS } from '../texts/texts.ts';

let service: TestAuthService;
let person: SignedUp;
let browser: TestBrowser;
before(async () => {
  service = await startAuthService();
  person = await service.signUp();
  browser = await signedIn(person.handle);
});
after(() => service.close());

async function signedIn(handle: string): Promise<TestBrowser> {
  const one = openTestBrowser(service);
  await signInAt(one, await open(one, '/signin'), handle);
  return one;
}

const pressed = async (
  at: TestBrowser,
  page: TestAnswer,
  button: string,
  changes: Record<string, string | undefined> = {},
) => settle(at, await press(at, page, button, changes));
const statusIn = ({ body }: TestAnswer) => /<p role="status">([\s\S]*?)<\/p>/.exec(body)?.[1];

test('every page is for who is signed in, in both languages, and says where one is', async () => {
  for (const path of Object.values(ACCOUNT_PAGES)) {
    for (const language of ['en', 'vi'] as const) {
      const page = await browser.fetch(path, undefined, { 'accept-language': language });
      assert.equal(page.status, 200, path);
      assertSafe(page);
      assert.match(page.body, new RegExp(`<html lang="${language}">`));
      const { sections } = TEXTS[language].account;
      const section = Object.entries(ACCOUNT_PAGES).find(([, each]) => each === path)?.[0] as keyof typeof sections;
      assert.ok(page.body.includes(`<h1>${sections[section]}</h1>`), path);
      if (!['delete', 'twoStep', 'passkeys'].includes(section))
        assert.match(page.body, new RegExp(`<a href="${path}" aria-current="page">`));
    }
    const stranger = await openTestBrowser(service).fetch(path);
    assert.equal(stranger.location?.href, `${ISSUER}/signin?${new URLSearchParams({ back: path })}`);
    const posted = await openTestBrowser(service).fetch(path, { token: 'x' });
    if (path !== ACCOUNT_PAGES.overview) assert.equal(posted.location?.pathname, '/signin', path);
  }
});

test('a form of another session, another page, or from another site changes nothing', async () => {
  const theirs = await signedIn((await service.signUp()).handle);
  const page = await browser.fetch(ACCOUNT_PAGES.profile);
  const other = await theirs.fetch(ACCOUNT_PAGES.profile);
  const wrongPage = Object.fromEntries(fieldsOf(await browser.fetch(ACCOUNT_PAGES.delete)));
  for (const token of [undefined, '', 'x', Object.fromEntries(fieldsOf(other)).token, wrongPage.token]) {
    assert.equal((await submit(browser, page, { displayName: 'Mallory', token })).status, 403);
  }
  const foreign = { 'sec-fetch-site': 'cross-site' };
  assert.equal((await submit(browser, page, { displayName: 'Mallory' }, foreign)).status, 403);
  assert.doesNotMatch((await browser.fetch(ACCOUNT_PAGES.profile)).body, /Mallory/);
});

test('a profile is changed by the user service, which says what is wrong', async () => {
  const page = await browser.fetch(ACCOUNT_PAGES.profile);
  const typed = { displayName: 'Ada <L>', bio: 'First\nsecond', links: 'https://a.example/\r\nhttps://b.example/' };
  const saved = await pressed(browser, page, 'Save', { ...typed, location: 'Hà Nội', locale: 'vi' });
  assertSafe(saved);
  assert.equal(statusIn(saved), 'Your profile is saved.');
  const fields = Object.fromEntries(fieldsOf(saved));
  assert.deepEqual([fields.displayName, fields.location], ['Ada <L>', 'Hà Nội']);
  assert.match(saved.body, /First\nsecond<\/textarea>/);
  assert.match(saved.body, /https:\/\/a\.example\/\nhttps:\/\/b\.example\/<\/textarea>/);
  assert.match(saved.body, /<option value="vi" selected>/);
  const user = await service.users.resolveUser({ id: person.id });
  assert.equal(user.user?.locale, 'vi');

  // The page from before shows what is not there any more.
  const late = await pressed(browser, page, 'Save', { ...typed, displayName: 'Late' });
  assert.equal(late.status, 409);
  assert.match(late.body, /role="alert"[^>]*>This was changed elsewhere/);
  const wrong = await pressed(browser, saved, 'Save', {
    ...typed,
    displayName: 'a'.repeat(61),
    links: 'ftp://a.example/',
  });
  assert.equal(wrong.status, 400);
  assertSafe(wrong);
  assert.match(wrong.body, /id="displayName-problem"/);
  assert.match(wrong.body, /id="links-problem"/);
  assert.match(wrong.body, /ftp:\/\/a\.example\/<\/textarea>/);
});

test('one device is signed out, or all others, and this browser goes on', async () => {
  const { id, handle } = await service.signUp();
  const [mine, other, app] = [await signedIn(handle), await signedIn(handle), await service.signIn(id)];
  const page = await mine.fetch(ACCOUNT_PAGES.sessions, undefined, { 'user-agent': 'x' });
  assert.equal([...page.body.matchAll(/<li><div><strong>/g)].length, 4);
  assert.match(page.body, /This browser/);
  const after = await pressed(mine, page, 'Sign out: test');
  assert.equal(statusIn(after), 'It is signed out.');
  await assert.rejects(service.as().refresh({ refreshToken: app.refreshToken }), refused('REFRESH_TOKEN_INVALID'));
  assert.equal((await other.fetch('/account')).status, 200);

  const stranger = await service.signIn();
  const { sessions } = await service.withToken(stranger.accessToken).listSessions({});
  await press(mine, page, 'Sign out: test', { id: sessions[0]?.id ?? '' });
  await service.withToken(stranger.accessToken).listSessions({});
  assert.equal((await press(mine, page, 'Sign out: test', { id: 'x' })).status, 303);

  await pressed(mine, page, 'Sign out everywhere else');
  assert.equal((await other.fetch('/account')).status, 303);
  assert.equal((await mine.fetch('/account')).status, 200);
  assert.equal([...(await mine.fetch(ACCOUNT_PAGES.sessions)).body.matchAll(/<li><div><strong>/g)].length, 1);
});

test('what was allowed to an app is shown, and taken back', async () => {
  const client = await registerClient(service, { client_name: 'Big <Reader>' });
  const request = requestOf(client, 'openid posts:read posts:write');
  const consent = await open(browser, request.address);
  const tokens = await tokensFor(service, client, request, await allowAt(browser, consent, ['posts:write']));
  const page = await browser.fetch(ACCOUNT_PAGES.apps);
  assertSafe(page);
  assert.match(page.body, /<strong>Big &lt;Reader&gt;<\/strong>/);
  assert.ok(page.body.includes(TEXTS.en.scopes['posts:read']));
  assert.ok(!page.body.includes(TEXTS.en.scopes['posts:write']));
  assert.ok(page.body.includes(`<span>https://app.example</span> · <code>${client.id}</code>`), 'which of two it is');
  const after = await pressed(browser, page, 'Take back: Big &lt;Reader&gt;');
  assert.equal(statusIn(after), 'The app can no longer use your account.');
  assert.match(after.body, /You have not allowed any app/);
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined);
});

test('what looks whether a page is there gets its headers alone', async () => {
  for (const path of ['/signin', '/signup', ACCOUNT_PAGES.overview]) {
    const [head, get] = await Promise.all(
      ['HEAD', 'GET'].map((method) => callHttp(new URL(path, service.httpUrl), { method })),
    );
    assert.deepEqual([head?.status, head?.body], [get?.status, ''], path);
    assert.equal(head?.headers['content-security-policy'], get?.headers['content-security-policy']);
  }
  const formOnly = await callHttp(new URL('/language', service.httpUrl), { method: 'HEAD' });
  assert.equal(formOnly.status, 404);
});

test('a key is made, shown once, works, is replaced and ends', async () => {
  const page = await browser.fetch(ACCOUNT_PAGES.keys);
  const without = await press(browser, page, 'Make the key', { name: '' });
  assert.equal(without.status, 400);
  assert.match(without.body, /id="name-problem"/);
  assert.match(without.body, /id="scopes-problem"/);
  assert.equal((await press(browser, page, 'Make the key', { name: 'k', scope: 'admin' })).status, 400);
  assert.equal(
    (await press(browser, page, 'Make the key', { name: 'k', scope: 'feed:read', days: '9999' })).status,
    400,
  );

  const made = await press(browser, page, 'Make the key', { name: 'backup', scope: 'feed:read', days: '7' });
  assert.equal(made.status, 200);
  assertSafe(made);
  const secretIn = ({ body }: TestAnswer) => /id="secret">(oxo_[\w-]+)</.exec(body)?.[1];
  const secret = secretIn(made) ?? assert.fail(made.body);
  const exchange = async (key: string) =>
    (await fetch(`${service.httpUrl}/internal/exchange`, { headers: { 'x-api-key': key } })).headers.has(
      'authorization',
    );
  assert.equal(await exchange(secret), true);
  const { apiKeys } = await service.apiKeys((await service.signIn(person.id)).accessToken).listApiKeys({});
  const leftMs = (apiKeys[0]?.expiresAt?.getTime() ?? 0) - service.clock.nowMs();
  assert.ok(Math.abs(leftMs - 7 * DAY_MS) < MINUTE_MS);
  const again = await browser.fetch(ACCOUNT_PAGES.keys);
  assert.equal(secretIn(again), undefined);
  assert.ok(!again.body.includes(secret));

  // Whoever loads the page again sends the form again.
  for (const [shown, button, typed] of [
    [page, 'Make the key', { name: 'backup', scope: 'feed:read', days: '7' }],
    [page, 'Make the key', { name: 'another', scope: 'feed:read', days: '7', once: undefined }],
  ] as const) {
    const repeated = await pressed(browser, shown, button, typed);
    assert.match(statusIn(repeated) ?? '', /^This was sent already/);
    assert.equal([...repeated.body.matchAll(/<li><div><strong>/g)].length, 1);
  }

  const replaced = secretIn(await press(browser, again, 'Replace: backup')) ?? '';
  assert.match(statusIn(await pressed(browser, again, 'Replace: backup')) ?? '', /^This was sent already/);
  assert.notEqual(replaced, secret);
  assert.equal(await exchange(replaced), true);
  const ended = await pressed(browser, again, 'End: backup');
  assert.equal(statusIn(ended), 'The key no longer works.');
  assert.deepEqual([await exchange(secret), await exchange(replaced)], [false, false]);
});

test('what is sensitive asks for the password again after a quarter of an hour', async () => {
  const { handle } = await service.signUp();
  const mine = await signedIn(handle);
  const [keys, deletion] = [await mine.fetch(ACCOUNT_PAGES.keys), await mine.fetch(ACCOUNT_PAGES.delete)];
  service.clock.advance(15 * MINUTE_MS + 1_000);
  assert.equal((await mine.fetch(ACCOUNT_PAGES.sessions)).status, 200);
  const asked = `${ISSUER}/signin?confirm=yes&back=`;
  for (const answer of [
    await mine.fetch(ACCOUNT_PAGES.keys),
    await press(mine, keys, 'Make the key', { name: 'k', scope: 'feed:read' }),
    await press(mine, deletion, 'Delete my account', { sure: 'yes' }),
  ]) {
    assert.ok(answer.location?.href.startsWith(asked), answer.location?.href);
  }
  const confirm = await open(mine, ACCOUNT_PAGES.keys);
  assert.match(confirm.body, /<h1>Confirm that it is you<\/h1>/);
  assert.equal((await signInAt(mine, confirm, handle, 'wrong wrong wrong')).status, 400);
  const back = await signInAt(mine, confirm, handle);
  assert.match(back.body, /<h1>API keys<\/h1>/);
});

test('an account is deleted only when its owner is sure, and who is not told that it is can ask again', async () => {
  const { id, handle } = await service.signUp();
  const mine = await signedIn(handle);
  const page = await mine.fetch(ACCOUNT_PAGES.delete);
  const unsure = await press(mine, page, 'Delete my account');
  assert.equal(unsure.status, 400);
  assert.match(unsure.body, /Nothing was deleted/);
  assert.equal((await service.users.resolveUser({ id })).user?.handle, handle);
  // The user service of these tests cannot tell auth, and says so.
  const away = await press(mine, page, 'Delete my account', { sure: 'yes' });
  assert.equal(away.status, 503);
  assertSafe(away);
  assert.equal((await mine.fetch(ACCOUNT_PAGES.delete)).status, 200);
});

test('where no page is, people get one that says so, and programs the one error', async () => {
  for (const [path, method] of [
    ['/account/nope', 'GET'],
    ['/signin/nope', 'GET'],
    ['/account', 'PUT'],
  ] as const) {
    const headers = { accept: 'text/html,*/*;q=0.8', 'accept-language': 'vi' };
    const page = await callHttp(new URL(path, service.httpUrl), { method, headers });
    assert.equal(page.status, 404);
    assertSafe(page);
    assert.match(page.body, /<h1>Không có trang này<\/h1>/);
    const { status, body } = await callHttp(new URL(path, service.httpUrl), { method, headers: { accept: '*/*' } });
    assert.deepEqual([status, /"reason":"ROUTE_NOT_FOUND"/.test(body)], [404, true]);
  }
});

test('a notice that a link asks for is not said', async () => {
  const saved = await pressed(browser, await open(browser, ACCOUNT_PAGES.profile), 'Save');
  assert.equal(statusIn(saved), 'Your profile is saved.');
  for (const [path, done] of [
    [ACCOUNT_PAGES.profile, 'saved'],
    [ACCOUNT_PAGES.security, 'password'],
    [ACCOUNT_PAGES.sessions, 'ended'],
  ])
    assert.equal(statusIn(await open(browser, `${path}?done=${done}`)), undefined);
});
