/** The pages that the provider asks for: devices, signing out, and what cannot be done. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser, type TestBrowser } from '../testing/oauth-browser.ts';
import { postAs, registerClient, type TestClient, token } from '../testing/oauth-client.ts';
import {
  allowAt,
  assertSafe,
  fieldsOf,
  open,
  requestOf,
  scopesAt,
  settle,
  signInAt,
  submit,
  tokensFor,
} from '../testing/pages.ts';
import type { SignedUp } from '../testing/signers.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
let service: TestAuthService;
let person: SignedUp;
let networks = 0;
before(async () => {
  service = await startAuthService({ allowances: { deviceCodeFromNetwork: { attempts: 20, windowMs: HOUR_MS } } });
  person = await service.signUp();
});
after(() => service.close());

const deviceClient = () =>
  registerClient(service, {
    ...{ client_name: 'Big <TV>', application_type: 'native', redirect_uris: [], response_types: [] },
    grant_types: [GRANT, 'refresh_token'],
  });

interface DeviceRequest {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
}

async function startDevice(client: TestClient, scope: string): Promise<DeviceRequest> {
  const answer = await postAs(service, client, '/oauth/device', { scope });
  assert.equal(answer.status, 200, answer.body);
  return answer.json();
}

const poll = (client: TestClient, { device_code }: DeviceRequest) =>
  token(service, client, { grant_type: GRANT, device_code });

/** Every test tries codes from a network of its own. */
const from = (ip = `203.0.113.${++networks}`) => ({ 'x-forwarded-for': ip });

test('a device is connected by its code, by a person who is asked whether it is theirs and what it may do', async () => {
  const [client, browser, headers] = [await deviceClient(), openTestBrowser(service), from()];
  const request = await startDevice(client, 'openid posts:read posts:write');
  assert.equal(request.verification_uri, `${ISSUER}/device`);
  assert.equal((await poll(client, request)).json().error, 'authorization_pending');

  const entry = await open(browser, request.verification_uri);
  assertSafe(entry);
  const confirm = await submit(
    browser,
    entry,
    { user_code: request.user_code.toLowerCase().replace('-', ' ') },
    headers,
  );
  assertSafe(confirm);
  assert.match(confirm.body, /<strong>Big &lt;TV&gt;<\/strong> shows the code/);
  assert.ok(confirm.body.includes(`<strong>${request.user_code}</strong>`));
  const signIn = await settle(browser, await submit(browser, confirm, {}, headers));
  assertSafe(signIn);
  const consent = await signInAt(browser, signIn, person.handle);
  assertSafe(consent);
  assert.match(consent.body, /the device that shows the code/);
  const done = await allowAt(browser, consent, ['posts:write']);
  assertSafe(done);
  assert.match(done.body, /<h1>The device is connected<\/h1>/);
  const issued = await poll(client, request);
  assert.equal(issued.json().scope, 'openid posts:read');

  // Another device is asked for as the first was, though the person is known and has consented to the same.
  const second = await startDevice(client, 'openid posts:read posts:write');
  const again = await submit(
    browser,
    await open(browser, request.verification_uri),
    { user_code: second.user_code },
    headers,
  );
  const asked = await settle(browser, await submit(browser, again, {}, headers));
  assert.deepEqual(scopesAt(asked), ['openid', 'posts:read', 'posts:write']);
});

test('a link with the code fills it in, and sends nothing by itself', async () => {
  const [client, browser] = [await deviceClient(), openTestBrowser(service)];
  const request = await startDevice(client, 'posts:read');
  const entry = await open(browser, request.verification_uri_complete);
  assertSafe(entry);
  assert.equal(Object.fromEntries(fieldsOf(entry)).user_code, request.user_code);
  const evil = `"><script>alert(1)</script>`;
  const page = await open(browser, `/device?user_code=${encodeURIComponent(evil)}`);
  assertSafe(page);
  assert.equal(Object.fromEntries(fieldsOf(page)).user_code, evil);
  const wrong = await submit(browser, page, { user_code: evil }, from());
  assertSafe(wrong);
  assert.match(wrong.body, /role="alert"[^<]*There is no such code|There is no such code/);
});

test('who says that the device is not theirs ends its request', async () => {
  const [client, browser, headers] = [await deviceClient(), openTestBrowser(service), from()];
  const request = await startDevice(client, 'posts:read');
  const entry = await open(browser, request.verification_uri);
  const confirm = await submit(browser, entry, { user_code: request.user_code }, headers);
  const stopped = await submit(browser, confirm, { abort: 'yes' }, headers);
  assertSafe(stopped);
  assert.match(stopped.body, /<p role="alert" id="problem">The sign-in on the device was stopped/);
  assert.equal((await poll(client, request)).json().error, 'access_denied');
});

test('a form of a device without our token, of another browser or from another site, does nothing', async () => {
  const [client, browser] = [await deviceClient(), openTestBrowser(service)];
  const request = await startDevice(client, 'posts:read');
  const entry = await open(browser, request.verification_uri);
  const foreign = Object.fromEntries(fieldsOf(await open(openTestBrowser(service), request.verification_uri)));
  const form = { user_code: request.user_code, confirm: 'yes' };
  for (const xsrf of [undefined, '', 'x', foreign.xsrf]) {
    const answer = await submit(browser, entry, { ...form, xsrf }, from());
    assert.equal(answer.status, 400);
    assertSafe(answer);
  }
  const fresh = await open(browser, request.verification_uri);
  const crossed = await submit(browser, fresh, form, { ...from(), 'sec-fetch-site': 'cross-site' });
  assert.equal(crossed.status, 403);
  assertSafe(crossed);
  assert.equal((await poll(client, request)).json().error, 'authorization_pending');
});

test('codes cannot be tried without end', async () => {
  const [browser, headers] = [openTestBrowser(service), from()];
  let entry = await open(browser, '/device');
  let tries = 0;
  while (entry.status !== 429 && tries < 200) {
    tries += 1;
    entry = await submit(browser, entry, { user_code: 'BBBB-BBBB' }, headers);
  }
  assert.equal(tries, 21);
  assertSafe(entry);
  assert.ok(Number(entry.headers['retry-after']) > 0);
  const [client, elsewhere] = [await deviceClient(), openTestBrowser(service)];
  const { user_code } = await startDevice(client, 'posts:read');
  const fresh = await open(elsewhere, '/device');
  assert.equal((await submit(elsewhere, fresh, { user_code }, headers)).status, 429);
  const own = await submit(elsewhere, fresh, { user_code }, from());
  assert.match(own.body, /Is this your device\?/);
});

async function signedIn(more: Record<string, unknown> = {}) {
  const [client, browser] = [await registerClient(service, more), openTestBrowser(service)];
  const request = requestOf(client, 'openid posts:read');
  const consent = await signInAt(browser, await open(browser, request.address), person.handle);
  const tokens = await tokensFor(service, client, request, await allowAt(browser, consent));
  return { client, browser, tokens };
}

const isSignedIn = async (browser: TestBrowser, client: TestClient) =>
  (await open(browser, requestOf(client, 'openid posts:read').address)).location !== undefined;

test('a client asks for a sign-out, the person confirms it, and goes on where the client is registered to be', async () => {
  const uri = 'https://app.example/bye';
  const { client, browser, tokens } = await signedIn({ post_logout_redirect_uris: [uri] });
  const query = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: 'a&b' });
  const ask = await open(browser, `/oauth/logout?${query}`);
  assertSafe(ask, 'https://app.example');
  const stay = await submit(browser, ask, {}, { 'sec-fetch-site': 'cross-site' });
  assert.equal(stay.status, 403);
  assert.equal((await submit(browser, ask, { logout: 'yes', xsrf: 'x' })).status, 400);
  assert.equal(await isSignedIn(browser, client), true);
  const again = await open(browser, `/oauth/logout?${query}`);
  const gone = await submit(browser, again, { logout: 'yes' });
  assert.equal(gone.location?.href, `${uri}?state=a%26b`);
  assert.equal(await isSignedIn(browser, client), false);
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined);
});

test('signing out without a client ends on a page of ours, and leads nowhere else', async () => {
  const { client, browser, tokens } = await signedIn();
  const evil = 'https://evil.example/';
  const wrong = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: evil });
  const refused = await open(browser, `/oauth/logout?${wrong}`);
  assert.equal(refused.status, 400);
  assertSafe(refused);
  const ask = await open(browser, `/signout`);
  assertSafe(ask);
  const done = await settle(browser, await submit(browser, ask, { logout: 'yes', post_logout_redirect_uri: evil }));
  assert.match(done.body, /You are signed out\./);
  assert.equal(done.headers['clear-site-data'], '"cache"');
  assertSafe(done);
  assert.equal(await isSignedIn(browser, client), false);
});

test('who signs in as somebody else leaves nothing of the person before to the client', async () => {
  const { client, browser, tokens } = await signedIn();
  const other = await service.signUp();
  const request = requestOf(client, 'openid posts:read', { prompt: 'login' });
  // The provider signs the person before out first, by a form that is posted by its script, or by the button.
  const change = await signInAt(browser, await open(browser, request.address), other.handle);
  assert.match(String(change.headers['content-security-policy']), /default-src 'none'.*script-src 'none' 'sha256-/);
  const consent = await settle(browser, await submit(browser, change, {}));
  assert.match(consent.body, new RegExp(`@${other.handle}<`));
  const theirs = await tokensFor(service, client, request, await allowAt(browser, consent));
  assert.equal((await service.oauth.findAccessToken(theirs.access_token))?.accountId, other.id);
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined);
});

test('a browser in which nobody has signed in is forgotten after ten minutes', async () => {
  await service.db.query({ name: 'test-no-artifacts', text: 'delete from oauth_artifacts' });
  await open(openTestBrowser(service), `${ISSUER}/device`);
  const sessions = await service.db.query<{ kind: string; lifeMs: number }>(
    {
      name: 'test-lives-of-artifacts',
      text: 'select kind, expires_at_ms::float8 - $1 as "lifeMs" from oauth_artifacts',
    },
    [service.clock.nowMs()],
  );
  assert.deepEqual(
    sessions.map(({ kind, lifeMs }) => [kind, Math.round(lifeMs / MINUTE_MS)]),
    [['Session', 10]],
  );
});

test('a form or an address of a device from a browser without a session begins anew, and the next form works', async () => {
  const client = await deviceClient();
  const request = await startDevice(client, 'posts:read');
  const begin: ((browser: TestBrowser) => ReturnType<TestBrowser['fetch']>)[] = [
    (browser) => browser.fetch('/device', { user_code: request.user_code, xsrf: 'a'.repeat(48) }, from()),
    (browser) => browser.fetch('/device', {}, from()),
    (browser) => browser.fetch('/device/unknown'),
    (browser) =>
      browser.fetch('/device/unknown', undefined, { cookie: 'oxo_oauth_session=a; oxo_oauth_session.sig=a' }),
  ];
  for (const each of begin) {
    const browser = openTestBrowser(service);
    const page = await each(browser);
    assert.equal(page.status, 400, page.body);
    assertSafe(page);
    const asked = await submit(browser, page, { user_code: request.user_code }, from());
    assert.match(asked.body, /<h1>Is this your device\?<\/h1>/);
  }
  assert.doesNotMatch(service.log(), /OAuth request failed/);
});
