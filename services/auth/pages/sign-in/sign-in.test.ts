/** Signing in, up and out at our own pages, and how that and going on to apps are one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { openTestBrowser, type TestBrowser } from '../../testing/oauth-browser.ts';
import { registerClient } from '../../testing/oauth-client.ts';
import {
  allowAt,
  assertSafe,
  fieldsOf,
  mainOf,
  open,
  requestOf,
  settle,
  signInAt,
  submit,
  tokensFor,
} from '../../testing/pages.ts';
import { PASSWORD, type SignedUp } from '../../testing/signers.ts';

const SCOPE = 'openid posts:read';
let service: TestAuthService;
let person: SignedUp;
before(async () => {
  service = await startAuthService();
  person = await service.signUp();
});
after(() => service.close());

const cookieOf = (browser: TestBrowser) => browser.cookies.get('oxo_session');

async function signedIn(handle = person.handle): Promise<TestBrowser> {
  const browser = openTestBrowser(service);
  const account = await signInAt(browser, await open(browser, '/signin'), handle);
  assert.match(account.body, new RegExp(`<strong>@${handle}</strong>`));
  return browser;
}

/** Whether the browser is known at our pages. */
const isKnown = async (browser: TestBrowser) => (await browser.fetch('/account')).status === 200;
/** Whether an app gets its answer without a question. */
async function goesOn(browser: TestBrowser, more: Record<string, string> = {}): Promise<boolean> {
  const client = await registerClient(service);
  const consent = await open(browser, requestOf(client, SCOPE, more).address);
  return /<h1>Allow access\?<\/h1>/.test(consent.body);
}

test('a person signs in at our pages, and the browser is theirs until they sign out', async () => {
  const browser = openTestBrowser(service);
  const page = await open(browser, '/account');
  assertSafe(page);
  assert.match(page.body, /<h1>Sign in<\/h1>/);
  const wrong = await signInAt(browser, page, person.handle, 'wrong wrong wrong');
  assert.equal(wrong.status, 400);
  assert.match(
    wrong.body,
    /<p role="alert" id="problem">No account has this handle and password\. [^<]* handle works always\.<\/p>/,
  );
  assert.match(wrong.body, /<title>Problem: Sign in · OXO<\/title>/);
  assert.equal(cookieOf(browser), undefined);

  const answer = await submit(browser, wrong, { identifier: person.handle, password: PASSWORD });
  assert.equal(answer.status, 303);
  assert.equal(answer.location?.href, `${ISSUER}/account`);
  const set = [answer.headers['set-cookie'] ?? []].flat().join('\n');
  assert.match(set, /^oxo_session=[\w-]{86}; path=\/; max-age=15552000; samesite=lax; httponly$/m);
  const account = await browser.fetch('/account');
  assertSafe(account);
  assert.match(account.body, new RegExp(`<strong>@${person.handle}</strong>`));
  assert.equal((await browser.fetch('/signin')).location?.href, `${ISSUER}/account`);

  const before = cookieOf(browser);
  const ask = await open(browser, '/signout');
  assertSafe(ask);
  assert.equal((await submit(browser, ask, {})).location?.href, `${ISSUER}/account`);
  assert.equal(await isKnown(browser), true);
  const done = await submit(browser, ask, { logout: 'yes' });
  assertSafe(done);
  assert.equal(done.headers['clear-site-data'], '"cache"');
  assert.match(done.body, /You are signed out\./);
  assert.equal(cookieOf(browser), undefined);
  const again = await openTestBrowser(service).fetch('/account', undefined, { cookie: `oxo_session=${before}` });
  assert.equal(again.status, 303);
});

test('over https the cookies are bound to this host', async () => {
  const { setCookie } = await import('../../http/cookies.ts');
  const lines: string[] = [];
  const response = { appendHeader: (_: string, line: string) => void lines.push(line) };
  setCookie(response as never, 'https://oxo.example', { name: 'oxo_session', value: 'v' });
  assert.deepEqual(lines, ['__Host-oxo_session=v; path=/; secure; samesite=lax; httponly']);
});

test('each sign-in has another id, the one before it ends, and what somebody has planted opens nothing', async () => {
  const browser = await signedIn();
  const first = cookieOf(browser);
  const other = await service.signUp();
  const confirm = await open(browser, '/signin?confirm=yes');
  assert.match(confirm.body, new RegExp(`You are signed in as <strong>@${person.handle}</strong>`));
  assert.doesNotMatch(mainOf(confirm), /type="text"/);
  await signInAt(browser, confirm, other.handle);
  assert.notEqual(cookieOf(browser), first);
  const old = await openTestBrowser(service).fetch('/account', undefined, { cookie: `oxo_session=${first}` });
  assert.equal(old.status, 303);
  for (const planted of ['x', 'a'.repeat(86), person.refreshToken]) {
    const answer = await openTestBrowser(service).fetch('/account', undefined, { cookie: `oxo_session=${planted}` });
    assert.equal(answer.status, 303, planted);
  }
  // Nor does the cookie refresh anything.
  await assert.rejects(
    service.as().refresh({ refreshToken: cookieOf(browser) ?? '' }),
    refused('REFRESH_TOKEN_INVALID'),
  );
});

test('a browser is listed with the other devices, ends with them, and by itself when it is not used', async () => {
  const { id, handle } = await service.signUp();
  const [browser, mine] = [await signedIn(handle), await service.signIn(id)];
  const auth = service.withToken(mine.accessToken);
  const { sessions } = await auth.listSessions({});
  const found = sessions.find(({ current, device }) => !current && device === '') ?? assert.fail();
  assert.equal(await isKnown(browser), true);
  await auth.revokeSession({ id: found.id });
  assert.equal(await isKnown(browser), false);

  const [second, third] = [await signedIn(handle), await signedIn(handle)];
  await auth.logout({ all: true });
  assert.deepEqual([await isKnown(second), await isKnown(third)], [false, false]);

  const idle = await signedIn(handle);
  service.clock.advance(29 * DAY_MS);
  assert.equal(await isKnown(idle), true);
  service.clock.advance(29 * DAY_MS);
  assert.equal(await isKnown(idle), true);
  service.clock.advance(31 * DAY_MS);
  assert.equal(await isKnown(idle), false);
});

test('where one wanted to go is where one comes to, if it is a page of ours', async () => {
  for (const [back, to] of [
    ['/device', '/device'],
    ['https://evil.example/', '/account'],
    ['//evil.example', '/account'],
    ['/\\evil.example', '/account'],
    ['/oauth/authorize?client_id=x', '/account'],
  ]) {
    const browser = openTestBrowser(service);
    const page = await open(browser, `/signin?${new URLSearchParams({ back: back ?? '' })}`);
    const answer = await submit(browser, page, { identifier: person.handle, password: PASSWORD });
    assert.equal(answer.location?.href, `${ISSUER}${to}`, back);
    const planted = await submit(openTestBrowser(service), page, { back: 'https://evil.example' });
    assert.equal(planted.status, 403);
  }
});

test('a form that was given to another browser signs nobody in, up or out', async () => {
  const [mine, theirs] = [openTestBrowser(service), openTestBrowser(service)];
  for (const path of ['/signin', '/signup', '/signout']) {
    const page = await open(theirs, path);
    const form = { identifier: person.handle, password: PASSWORD, logout: 'yes' };
    assert.equal((await submit(mine, page, form)).status, 403, path);
    assert.equal((await submit(mine, await open(mine, path), { ...form, token: 'x' })).status, 403, path);
    const foreign = { 'sec-fetch-site': 'cross-site' };
    assert.equal((await submit(theirs, page, form, foreign)).status, 403, path);
    assert.equal((await mine.fetch(path, form)).status, 403, path);
  }
  // The form of somebody who was signed in does not sign out who is now.
  const browser = await signedIn();
  const ask = await open(browser, '/signout');
  await signInAt(browser, await open(browser, '/signin?confirm=yes'), person.handle);
  assert.equal((await submit(browser, ask, { logout: 'yes' })).status, 403);
  assert.equal(await isKnown(browser), true);
});

test('who is signed in goes on to an app at once, unless it wants to see them again', async () => {
  const browser = await signedIn();
  assert.equal(await goesOn(browser), true);
  assert.equal(await goesOn(browser, { prompt: 'login' }), false);
  assert.equal(await goesOn(browser, { max_age: '3600' }), true);
  service.clock.advance(61 * MINUTE_MS);
  const other = await signedIn();
  assert.equal(await goesOn(other, { max_age: '3600' }), true);
  const fresh = openTestBrowser(service);
  const value = cookieOf(browser) ?? '';
  const client = await registerClient(service);
  const { address } = requestOf(client, SCOPE, { max_age: '3600' });
  const toSignIn = await fresh.fetch(address);
  const page = await fresh.fetch(toSignIn.location ?? '', undefined, {
    cookie: [...fresh.cookies, ['oxo_session', value]].map((pair) => pair.join('=')).join('; '),
  });
  assert.match(page.body, /<h1>Sign in<\/h1>/);
});

test('who signs in to go on to an app is signed in at our pages too, and both end together', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const request = requestOf(client, SCOPE);
  const consent = await signInAt(browser, await open(browser, request.address), person.handle);
  const tokens = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.equal(await isKnown(browser), true);
  const again = () => open(browser, requestOf(client, SCOPE).address);
  assert.notEqual((await again()).location, undefined);

  // The browser's session alone is revoked: apps no longer go on either.
  const mine = service.withToken((await service.signIn(person.id)).accessToken);
  const { sessions } = await mine.listSessions({});
  const newest = sessions.filter(({ current }) => !current).toSorted((a, b) => (b.id > a.id ? 1 : -1))[0];
  await mine.revokeSession({ id: newest?.id ?? '' });
  assert.match((await again()).body, /<h1>Sign in<\/h1>/);
  const quiet = await open(browser, requestOf(client, SCOPE, { prompt: 'none' }).address);
  assert.equal(quiet.location?.searchParams.get('error'), 'login_required');

  await settle(browser, await signInAt(browser, await again(), person.handle));
  assert.equal(await isKnown(browser), true);
  await submit(browser, await open(browser, '/signout'), { logout: 'yes' });
  assert.match((await again()).body, /<h1>Sign in<\/h1>/);
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined);
  const text = "select 1 from audit.log where action = 'END_GRANT' and client_id = $1 and details->>'why' = 'sign-out'";
  assert.ok((await service.db.query({ name: 'test-ends-of', text }, [client.id])).length > 0);
});

test('an app that signs a person out signs them out of our pages', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const request = requestOf(client, SCOPE);
  await allowAt(browser, await signInAt(browser, await open(browser, request.address), person.handle));
  const before = cookieOf(browser);
  await submit(browser, await open(browser, '/oauth/logout'), {});
  assert.equal(await isKnown(browser), true);
  await submit(browser, await open(browser, '/oauth/logout'), { logout: 'yes' });
  assert.equal(cookieOf(browser), undefined);
  const again = await openTestBrowser(service).fetch('/account', undefined, { cookie: `oxo_session=${before}` });
  assert.equal(again.status, 303);
});

test('who signs in at our pages as somebody else goes on to apps as that person', async () => {
  const [client, browser, other] = [await registerClient(service), openTestBrowser(service), await service.signUp()];
  await allowAt(browser, await signInAt(browser, await open(browser, requestOf(client, SCOPE).address), person.handle));
  await signInAt(browser, await open(browser, '/signin?confirm=yes'), other.handle);
  const request = requestOf(client, SCOPE);
  const consent = await open(browser, request.address);
  assert.match(consent.body, new RegExp(`<strong>@${other.handle}</strong>`));
  const tokens = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.equal((await service.oauth.findAccessToken(tokens.access_token))?.accountId, other.id);
});

test('a person makes an account, also on the way to an app, and is signed in', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const [, link = ''] = /href="(\/signup\?interaction=[^"]+)"/.exec(signIn.body) ?? [];
  const page = await open(browser, link);
  assertSafe(page, 'https://app.example');
  const typed = { handle: 'Grace_1', email: 'grace@example.org', displayName: 'Grace', password: PASSWORD };
  const consent = await settle(browser, await submit(browser, page, typed));
  assertSafe(consent, 'https://app.example');
  assert.match(consent.body, /<strong>@grace_1<\/strong>/);
  assert.equal(await isKnown(browser), true);

  const own = openTestBrowser(service);
  const account = await settle(own, await submit(own, await open(own, '/signup'), { ...typed, handle: 'grace_2' }));
  assert.match(account.body, /<strong>@grace_2<\/strong>/);
});

test('whoever makes no account on the way to an app goes back to it, and no account is made', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const [, link = ''] = /href="(\/signup\?interaction=[^"]+)"/.exec(signIn.body) ?? [];
  const page = await open(browser, link);
  assert.match(page.body, /name="cancel"/);
  const typed = { handle: 'grace_3', email: 'grace@example.org', password: PASSWORD, cancel: 'yes' };
  const refused = await settle(browser, await submit(browser, page, typed));
  assert.equal(refused.location?.searchParams.get('error'), 'access_denied');
  assert.equal(await isKnown(browser), false);

  const own = openTestBrowser(service);
  const alone = await open(own, '/signup');
  assert.doesNotMatch(alone.body, /name="cancel"/);
  const account = await settle(own, await submit(own, alone, { ...typed, cancel: undefined }));
  assert.match(account.body, /<strong>@grace_3<\/strong>/);
});

test('what is wrong with a new account is said beside its field, in the language of the page', async () => {
  const browser = openTestBrowser(service);
  const page = await open(browser, '/signup');
  const said = async (changes: Record<string, string>, headers: Record<string, string> = {}) => {
    const right = { handle: 'ada_1', email: 'ada@example.org', displayName: '', password: PASSWORD };
    const answer = await submit(browser, page, { ...right, ...changes }, headers);
    assertSafe(answer);
    const problems = [...answer.body.matchAll(/id="(\w+)-problem">([^<]*)</g)].map(([, name, text]) => [name, text]);
    return { status: answer.status, problems, fields: Object.fromEntries(fieldsOf(answer)) };
  };
  const taken = await said({ handle: person.handle });
  assert.deepEqual(
    [taken.status, taken.problems],
    [409, [['handle', 'This handle belongs to someone. Choose another one.']]],
  );
  const all = await said({ handle: '!', email: 'x', displayName: 'a'.repeat(61), password: 'x' });
  assert.equal(all.status, 400);
  assert.deepEqual(
    all.problems.map(([name]) => name),
    ['handle', 'displayName', 'email', 'password'],
  );
  assert.deepEqual([all.fields.handle, all.fields.email, all.fields.password], ['!', 'x', '']);
  const weak = await said({ password: '1234567890' }, { 'accept-language': 'vi' });
  assert.match(String(weak.problems), /^password,(Đây là|Mật khẩu này)/);
});
