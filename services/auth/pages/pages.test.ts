import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser } from '../testing/oauth-browser.ts';
import { registerClient } from '../testing/oauth-client.ts';
import {
  allowAt,
  assertSafe,
  codeIn,
  fieldsOf,
  mainOf,
  open,
  requestOf,
  scopesAt,
  signInAt,
  submit,
  tokensFor,
} from '../testing/pages.ts';
import { PASSWORD, type SignedUp } from '../testing/signers.ts';

const SCOPE = 'openid profile posts:read posts:write';
let service: TestAuthService;
let person: SignedUp;
before(async () => {
  service = await startAuthService({ allowances: { loginOfAccountFromNetwork: { attempts: 10, windowMs: HOUR_MS } } });
  person = await service.signUp();
});
after(() => service.close());

function assertSignedInSince(idToken: string, atMs: number): void {
  const seconds = Number(decodeJwt(idToken).auth_time);
  assert.ok(seconds >= Math.floor(atMs / 1_000) && seconds <= service.clock.nowMs() / 1_000, String(seconds));
}

test('a person signs in, unticks what the app shall not do, and the tokens lack it', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const request = requestOf(client, SCOPE, { login_hint: person.handle, max_age: '3600' });
  const signIn = await open(browser, request.address);
  assertSafe(signIn, 'https://app.example');
  assert.deepEqual(Object.fromEntries(fieldsOf(signIn)).identifier, person.handle);

  const atMs = service.clock.nowMs();
  const consent = await signInAt(browser, signIn, person.handle);
  assertSafe(consent, 'https://app.example');
  assert.match(consent.body, new RegExp(`@${person.handle}`));
  assert.match(consent.body, /From here you go to <strong>https:\/\/app\.example</);
  assert.deepEqual(scopesAt(consent), SCOPE.split(' '));

  const answer = await allowAt(browser, consent, ['posts:write', 'profile']);
  assert.equal(answer.location?.searchParams.get('state'), 's1');
  const tokens = await tokensFor(service, client, request, answer);
  assert.equal(tokens.scope, 'openid posts:read');
  assert.deepEqual((await service.oauth.findAccessToken(tokens.access_token))?.scopes, ['posts:read']);
  assert.equal(decodeJwt(tokens.id_token).sub, person.id);
  assertSignedInSince(tokens.id_token, atMs);
});

test('nothing but the button says yes', async () => {
  for (const decision of ['deny', 'x', undefined]) {
    const [client, browser] = [await registerClient(service), openTestBrowser(service)];
    const consent = await signInAt(browser, await open(browser, requestOf(client, SCOPE).address), person.handle);
    const answer = await submit(browser, consent, { decision });
    const refused = await open(browser, answer.location ?? assert.fail(answer.body));
    assert.equal(refused.location?.origin, 'https://app.example');
    assert.equal(refused.location?.searchParams.get('error'), 'access_denied');
  }
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const answer = await submit(browser, signIn, { cancel: 'yes' });
  const refused = await open(browser, answer.location ?? assert.fail(answer.body));
  assert.equal(refused.location?.searchParams.get('error'), 'access_denied');
});

test('scopes that were not asked for are not granted, whatever the form says', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const request = requestOf(client, 'posts:read');
  const consent = await signInAt(browser, await open(browser, request.address), person.handle);
  const extra: [string, string][] = ['posts:write', 'admin', 'openid', 'offline_access'].map((it) => ['scope', it]);
  const form: [string, string][] = [...fieldsOf(consent), ...extra, ['decision', 'allow']];
  const answer = await open(browser, (await browser.fetch('/consent', form)).location ?? assert.fail());
  assert.equal((await tokensFor(service, client, request, answer)).scope, 'posts:read');
});

test('a wrong password, an unknown handle and an address that nobody has verified say the same after the same work', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const said = new Set<string>();
  for (const identifier of [person.handle, 'nobody_has_it', `${person.handle}@example.org`, 'nobody@example.org', 'ü'])
    for (const password of ['wrong wrong wrong', 'x']) {
      const before = service.hashes();
      const answer = await signInAt(browser, signIn, identifier, password);
      assert.equal(service.hashes() - before, 1);
      assert.equal(answer.status, 400);
      assertSafe(answer, 'https://app.example');
      assert.equal(Object.fromEntries(fieldsOf(answer)).identifier, identifier);
      said.add(answer.body.replace(/name="identifier" value="[^"]*"/, ''));
    }
  assert.equal(said.size, 1);
  assert.match(
    [...said].join(),
    /<p role="alert" id="problem">No account has this handle and password\. [^<]* handle works always\.<\/p>/,
  );
  const password = { name: 'verify', text: 'update accounts set email_verified_at_ms = 1 where id = $1' };
  await service.db.query(password, [person.id]);
  const consent = await signInAt(browser, signIn, `${person.handle.toUpperCase()}@EXAMPLE.org`);
  assert.match(consent.body, /Allow access\?/);
});

test('passwords cannot be tried without end, and the page says when to come again', async () => {
  const [client, browser, other] = [await registerClient(service), openTestBrowser(service), await service.signUp()];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const headers = { 'x-forwarded-for': '198.51.100.7' };
  const form = { identifier: other.handle, password: 'wrong wrong wrong' };
  let answer = signIn;
  for (let tries = 0; tries < 20 && answer.status !== 429; tries += 1)
    answer = await submit(browser, signIn, form, headers);
  assert.equal(answer.status, 429);
  assertSafe(answer, 'https://app.example');
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.match(answer.body, /<p role="alert" id="problem">Too many attempts\. Try again later\.<\/p>/);
  const right = await submit(browser, signIn, { ...form, password: PASSWORD }, headers);
  assert.equal(right.status, 429);
});

test('fields that are wrong say so, for eyes and ears', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const answer = await signInAt(browser, signIn, '', 'a'.repeat(2_000));
  assert.equal(answer.status, 400);
  assert.match(answer.body, /<p role="alert"/);
  for (const name of ['identifier', 'password']) {
    assert.match(answer.body, new RegExp(`name="${name}"[^>]* aria-invalid="true" aria-describedby="${name}-problem"`));
    assert.match(answer.body, new RegExp(`id="${name}-problem"`));
    assert.match(answer.body, new RegExp(`<label for="${name}">`));
  }
});

test('a form without our token, or with that of another page, browser or request, does nothing', async () => {
  const client = await registerClient(service);
  const [browser, other] = [openTestBrowser(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const theirs = Object.fromEntries(fieldsOf(await open(other, requestOf(client, SCOPE).address)));
  for (const token of [undefined, '', 'x', theirs.token]) {
    const answer = await submit(browser, signIn, { identifier: person.handle, password: 'x', token });
    assert.equal(answer.status, 403);
  }
  // The whole form of another browser, as if that browser's owner had sent it to the person.
  const foreign = await browser.fetch('/signin', { ...theirs, identifier: person.handle, password: 'x' });
  assert.equal(foreign.status, 400);

  const consent = await signInAt(browser, signIn, person.handle);
  const own = Object.fromEntries(fieldsOf(signIn));
  for (const token of [undefined, own.token, theirs.token]) {
    assert.equal((await submit(browser, consent, { decision: 'allow', token })).status, 403);
  }
  assert.equal((await browser.fetch('/consent', { ...theirs, decision: 'allow' })).status, 400);
  assert.equal((await other.fetch('/consent', [...fieldsOf(consent), ['decision', 'allow']])).status, 400);
  codeIn(await allowAt(browser, consent));
});

test('a form that another site has posted does nothing, even with our token', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const consent = await signInAt(browser, await open(browser, requestOf(client, SCOPE).address), person.handle);
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: ISSUER },
    { origin: 'https://evil.example' },
    { origin: `${ISSUER}.evil.example` },
  ]) {
    const answer = await submit(browser, consent, { decision: 'allow' }, headers as Record<string, string>);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assertSafe(answer);
  }
  for (const [type, body] of [
    ['text/plain', 'decision=allow'],
    ['application/json', '{}'],
  ] as const) {
    assert.equal((await browser.fetch('/consent', { body }, { 'content-type': type })).status, 400);
  }
  const own = { 'sec-fetch-site': 'same-origin', origin: 'null' };
  assert.equal((await submit(browser, consent, { decision: 'allow' }, own)).status, 303);
});

test('the browser’s session has another id after the sign-in, whatever it was before', async () => {
  const [client, attacker, victim] = [
    await registerClient(service),
    openTestBrowser(service),
    openTestBrowser(service),
  ];
  await attacker.fetch('/device');
  const planted = attacker.cookies.get('oxo_oauth_session') ?? assert.fail();
  await victim.fetch('/device');
  const before = victim.cookies.get('oxo_oauth_session');
  const consent = await signInAt(victim, await open(victim, requestOf(client, SCOPE).address), person.handle);
  await allowAt(victim, consent);
  const after = victim.cookies.get('oxo_oauth_session');
  assert.ok(after !== undefined && after !== before && after !== planted);
  // Neither what the attacker holds nor what the victim had before is signed in.
  const answer = await open(attacker, requestOf(client, SCOPE).address);
  assert.match(answer.body, /<h1>Sign in<\/h1>/);
  const attributes = [(await openTestBrowser(service).fetch('/device')).headers['set-cookie'] ?? []].flat().join('\n');
  assert.match(attributes, /oxo_oauth_session=[^\n]*; path=\/;[^\n]*samesite=lax; httponly/i);
});

test('an address or form of a request that is not this browser’s, is over, or never was, starts nothing', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const signIn = await open(browser, requestOf(client, SCOPE).address);
  const { interaction = '' } = Object.fromEntries(fieldsOf(signIn));
  const stranger = openTestBrowser(service);
  for (const address of [`/signin?interaction=${interaction}`, `/consent?interaction=${interaction}`]) {
    assert.equal((await stranger.fetch(address)).status, 400);
  }
  for (const address of [
    '/consent',
    '/signin?interaction=',
    '/signup?interaction=x',
    '/consent?interaction=x',
    '/signin?interaction=%00',
  ]) {
    const answer = await browser.fetch(address);
    assert.equal(answer.status, 400, address);
    assertSafe(answer);
  }
  const consent = await signInAt(browser, signIn, person.handle);
  await allowAt(browser, consent);
  assert.equal((await submit(browser, consent, { decision: 'allow' })).status, 400);
  const late = await open(browser, requestOf(client, `${SCOPE} feed:read`).address);
  service.clock.advance(31 * MINUTE_MS);
  assert.equal((await submit(browser, late, { decision: 'allow' })).status, 400);
  assert.equal((await browser.fetch('/signin', { padding: 'a'.repeat(20_000) })).status, 413);
});

test('what a client says of itself, and what stands in its address, is shown as text and leads nowhere', async () => {
  const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`;
  const client = await registerClient(service, { client_name: evil, client_uri: `https://app.example/"onclick="x` });
  const browser = openTestBrowser(service);
  const signIn = await open(browser, requestOf(client, SCOPE, { login_hint: evil, state: evil }).address);
  assertSafe(signIn, 'https://app.example');
  assert.match(signIn.body, /<strong>&quot;&gt;&lt;script&gt;/);
  const wrong = await signInAt(browser, signIn, evil, 'x');
  assertSafe(wrong, 'https://app.example');
  const consent = await signInAt(browser, signIn, person.handle);
  assertSafe(consent, 'https://app.example');
  assert.doesNotMatch(consent.body, /"onclick/);
  const answer = await allowAt(browser, consent);
  assert.equal(answer.location?.searchParams.get('state'), evil);
  assert.equal(answer.location?.origin, 'https://app.example');

  for (const more of [
    { redirect_uri: `https://evil.example/${evil}` },
    { client_id: evil },
    { scope: evil, redirect_uri: 'https://evil.example' },
  ] as Record<string, string>[]) {
    const failed = await open(browser, requestOf(client, SCOPE, more).address);
    assert.equal(failed.location, undefined);
    assert.equal(failed.status, 400);
    assertSafe(failed);
  }
});

test('no page leads to where its address says', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  const page = await open(browser, requestOf(client, SCOPE).address);
  const { interaction = '' } = Object.fromEntries(fieldsOf(page));
  const more = ['returnTo', 'return_to', 'redirect_uri', 'next', 'url']
    .map((name) => `${name}=//evil.example`)
    .join('&');
  const consent = await browser.fetch(`/consent?interaction=${interaction}&${more}`);
  assert.equal(consent.location?.href, `${ISSUER}/signin?interaction=${interaction}`);
  const signedIn = await submit(browser, page, {
    ...{ identifier: person.handle, password: 'a walk in the rain 17' },
    ...{ returnTo: '//evil.example', redirect_uri: 'https://evil.example', next: 'https://evil.example' },
  });
  assert.equal(signedIn.status, 303);
  assert.equal(signedIn.location?.href, `${ISSUER}/oauth/authorize/${interaction}`);
  const signOut = await browser.fetch(`/signout?${more}`);
  assertSafe(signOut);
  assert.doesNotMatch(mainOf(signOut), /evil/);
});

test('prompt=login and max_age ask for the password again, and the time of that sign-in is told', async () => {
  const [client, browser] = [await registerClient(service), openTestBrowser(service)];
  await allowAt(browser, await signInAt(browser, await open(browser, requestOf(client, SCOPE).address), person.handle));
  // The library has a clock of its own.
  const ours = 'update sessions set created_at_ms = 1700000000000 where account_id = $1';
  const text = `update oauth_artifacts set payload = jsonb_set(payload, '{loginTs}', '1700000000')
    where kind = 'Session' and account_id = $1`;
  await service.db.query({ name: 'test-long-ago', text }, [person.id]);
  await service.db.query({ name: 'test-long-ago-ours', text: ours }, [person.id]);
  for (const more of [{ prompt: 'login' }, {}] as Record<string, string>[]) {
    service.clock.advance(MINUTE_MS);
    const request = requestOf(client, SCOPE, { max_age: '3600', ...more });
    const page = await open(browser, request.address);
    assert.match(page.body, /<h1>Sign in<\/h1>/, JSON.stringify(more));
    const atMs = service.clock.nowMs();
    const tokens = await tokensFor(service, client, request, await signInAt(browser, page, person.handle));
    assertSignedInSince(tokens.id_token, atMs);
    await service.db.query({ name: 'test-long-ago', text }, [person.id]);
    await service.db.query({ name: 'test-long-ago-ours', text: ours }, [person.id]);
  }
});

test('a browser on which a person has signed in is known, and strangers keep nobody out there', async () => {
  const { handle } = await service.signUp();
  const browser = openTestBrowser(service);
  const network = { 'x-forwarded-for': '198.51.100.200' };
  const signInOn = async (at: typeof browser, password: string) => {
    const page = await open(at, requestOf(await registerClient(service), SCOPE, { prompt: 'login' }).address);
    return submit(at, page, { identifier: handle, password }, network);
  };
  assert.equal((await signInOn(browser, PASSWORD)).status, 303);
  const token = browser.cookies.get('oxo_device') ?? '';
  assert.match(token, /^[\w-]{43}$/);
  for (let time = 0; time < 10; time += 1)
    assert.equal((await signInOn(openTestBrowser(service), 'wrong')).status, 400);
  assert.equal((await signInOn(openTestBrowser(service), PASSWORD)).status, 429);
  const again = await signInOn(browser, PASSWORD);
  assert.equal(again.status, 303);
  const cookie = [again.headers['set-cookie']].flat().find((line) => line?.startsWith('oxo_device='));
  assert.equal(cookie, `oxo_device=${token}; Path=/; Max-Age=15552000; HttpOnly; SameSite=Lax`);
});
