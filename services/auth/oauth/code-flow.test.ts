import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MINUTE_MS } from '#kit/clock.ts';
import { ISSUER, KEY_PUBLISHED_FOR_MS, type TestAuthService } from '../testing/auth-service.ts';
import { authorize, openTestBrowser } from '../testing/oauth-browser.ts';
import {
  authorizationRequest,
  errorOf,
  getCode,
  getTokens,
  redeem,
  registerClient,
  scopesOf,
  type TestClient,
  type TestTokens,
  token,
} from '../testing/oauth-client.ts';
import { startOAuthService } from '../testing/oauth-service.ts';

let service: TestAuthService;
let client: TestClient;
let accountId: string;
before(async () => {
  ({ service, client, accountId } = await startOAuthService());
});
after(() => service.close());

const found = ({ access_token }: TestTokens) => service.oauth.findAccessToken(access_token);
const decode = (jwt: string, part: 0 | 1) =>
  JSON.parse(Buffer.from(jwt.split('.')[part] ?? '', 'base64url').toString());

test('a person signs in, grants a part of what is asked for, and the client gets tokens for that part', async () => {
  const scope = 'openid profile posts:read posts:write feed:read offline_access';
  const { address, verifier } = authorizationRequest(client, { scope, nonce: 'n-1' });
  const answer = await authorize(openTestBrowser(service), address, {
    accountId,
    scopes: 'posts:read feed:read offline_access',
  });
  const { searchParams, origin, pathname } = answer.location ?? assert.fail(answer.body);
  assert.equal(origin + pathname, client.redirectUri);
  assert.deepEqual([...searchParams.keys()].sort(), ['code', 'iss', 'state']);
  assert.deepEqual([searchParams.get('state'), searchParams.get('iss')], ['state-1', ISSUER]);

  const issued = await token(service, client, redeem(client, { code: searchParams.get('code') ?? '', verifier }));
  assert.equal(issued.status, 200, issued.body);
  assert.equal(issued.headers['cache-control'], 'no-store');
  const tokens = issued.json<TestTokens>();
  assert.deepEqual(scopesOf(tokens.scope), ['feed:read', 'offline_access', 'openid', 'posts:read']);
  assert.deepEqual([tokens.token_type, tokens.expires_in], ['Bearer', 3_600]);
  assert.match(tokens.access_token, /^[\w-]{43}$/);
  const { grantId, expiresAtMs, ...rest } = (await found(tokens)) ?? assert.fail();
  assert.deepEqual(rest, { accountId, clientId: client.id, scopes: ['posts:read', 'feed:read'] });
  assert.ok(grantId && expiresAtMs > service.clock.nowMs());

  assert.deepEqual(decode(tokens.id_token, 0), { alg: 'RS256', kid: service.keys.current().kid });
  const { iss, sub, aud, nonce, email, name } = decode(tokens.id_token, 1);
  assert.deepEqual([iss, sub, aud, nonce, email, name], [ISSUER, accountId, client.id, 'n-1', undefined, undefined]);
});

test('a code works once; who brings it again ends what it gave', async () => {
  const got = await getCode(service, client, { accountId });
  const tokens = (await token(service, client, redeem(client, got))).json<TestTokens>();
  const { grantId } = (await found(tokens)) ?? assert.fail();
  assert.equal(errorOf(await token(service, client, redeem(client, got))), 'invalid_grant');
  const audit = { name: 'test-audit', text: 'select action, client_id as client from audit.log where session_id = $1' };
  assert.deepEqual(await service.db.query(audit, [grantId]), [{ action: 'REUSE_CODE', client: client.id }]);
  assert.equal(await found(tokens), undefined);
  const again = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
  assert.equal(errorOf(await token(service, client, again)), 'invalid_grant');
});

test('of many who bring a code at once, at most one gets tokens, and they are ended', async () => {
  const got = await getCode(service, client, { accountId });
  const answers = await Promise.all(Array.from({ length: 8 }, () => token(service, client, redeem(client, got))));
  const good = answers.filter(({ status }) => status === 200);
  assert.ok(good.length <= 1, `${good.length} got tokens`);
  for (const answer of answers) if (answer.status !== 200) assert.equal(errorOf(answer), 'invalid_grant');
  for (const answer of good) assert.equal(await found(answer.json<TestTokens>()), undefined);
});

test('a code is for its client, its redirect URI and its verifier, for a minute', async () => {
  const other = await registerClient(service);
  const got = await getCode(service, client, { accountId });
  const right = redeem(client, got);
  const wrong: [TestClient, Record<string, string>, string][] = [
    [other, right, 'invalid_grant'],
    [{ ...client, secret: other.secret }, right, 'invalid_client'],
    [{ ...client, secret: 'x' }, right, 'invalid_client'],
    [{ ...client, secret: undefined }, right, 'invalid_client'],
    [client, { ...right, redirect_uri: `${client.redirectUri}/` }, 'invalid_grant'],
    [client, { ...right, code_verifier: 'a'.repeat(43) }, 'invalid_grant'],
    [client, { ...right, code_verifier: '' }, 'invalid_grant'],
    [client, { ...right, code: `${right.code}a` }, 'invalid_grant'],
    [client, { ...right, redirect_uri: '' }, 'invalid_request'],
  ];
  for (const [as, form, error] of wrong) assert.equal(errorOf(await token(service, as, form)), error);
  assert.equal((await token(service, client, right)).status, 200);
  const late = await getCode(service, client, { accountId });
  service.clock.advance(MINUTE_MS + 1_000);
  assert.equal(errorOf(await token(service, client, redeem(client, late))), 'invalid_grant');
});

test('a request without S256, or for anything but a code, goes back with an error', async () => {
  const wrong: [Record<string, string | undefined>, string][] = [
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge: 'short' }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ response_type: 'id_token', nonce: 'a' }, 'unsupported_response_type'],
    [{ response_type: 'code id_token', nonce: 'a' }, 'unsupported_response_type'],
    [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
    [{ request_uri: 'https://app.example/r' }, 'request_uri_not_supported'],
    [{ prompt: 'none' }, 'login_required'],
    [{ scope: 'openid nothing' }, 'invalid_scope'],
  ];
  for (const [changes, error] of wrong) {
    const { address } = authorizationRequest(client, changes);
    const browser = openTestBrowser(service);
    const answer = await authorize(browser, address, { accountId, scopes: 'nothing' });
    const text = `${JSON.stringify(changes)} ${answer.status} ${answer.location?.href}`;
    assert.equal(answer.location?.origin, 'https://app.example', text);
    const query = new URLSearchParams(answer.location.search || answer.location.hash.slice(1));
    assert.deepEqual([query.get('error'), query.get('iss'), query.get('state')], [error, ISSUER, 'state-1'], text);
  }
});

test('a redirect URI that was not registered gets nothing, whatever it looks like', async () => {
  const tricks = [
    `${client.redirectUri}/more`,
    `${client.redirectUri}?a=1`,
    `${client.redirectUri}#a`,
    'https://app.example/callbac',
    'https://app.example/%63allback',
    'https://app.example/x/../callback',
    'https://APP.example/callback',
    'https://app.example:443/callback',
    'https://app.example.evil.example/callback',
    'https://user@app.example/callback',
    'https://evil.example\\@app.example/callback',
    'https://app.example@evil.example/callback',
    'http://app.example/callback',
    'http://localhost/callback',
    'http://127.0.0.1/callback',
    '//app.example/callback',
    'javascript:alert(1)//https://app.example/callback',
    ' https://app.example/callback',
  ];
  for (const redirect_uri of [...tricks, undefined, '']) {
    const { address } = authorizationRequest(client, { redirect_uri });
    const answer = await openTestBrowser(service).fetch(address);
    assert.equal(answer.status, 400, redirect_uri);
    assert.equal(answer.location, undefined, redirect_uri);
    assert.match(answer.body, /invalid_re/);
  }
  const twice = authorizationRequest(client).address;
  const answer = await openTestBrowser(service).fetch(`${twice}&redirect_uri=https%3A%2F%2Fevil.example`);
  assert.deepEqual([answer.status, answer.location], [400, undefined]);
});

test('what is told of a request that cannot go on is text, in a page that loads and runs nothing', async () => {
  const { address } = authorizationRequest({ ...client, id: '<script>alert(1)</script>' });
  const answer = await openTestBrowser(service).fetch(address);
  assert.equal(answer.status, 400);
  assert.match(String(answer.headers['content-type']), /^text\/html/);
  assert.match(answer.body, /There is no such client here: register the app/);
  assert.match(String(answer.headers['content-security-policy']), /^default-src 'none';(?!.*script-src)/);
  assert.doesNotMatch(answer.body, /<script/);
});

test('the browser is bound to its request by cookies that no script reads and only we can make', async () => {
  const { address } = authorizationRequest(client);
  const victim = openTestBrowser(service);
  const started = await victim.fetch(address);
  const id = started.location?.searchParams.get('interaction') ?? assert.fail();
  for (const cookie of [started.headers['set-cookie'] ?? []].flat()) {
    assert.match(cookie, /; httponly/i);
    assert.match(cookie, /; samesite=lax/i);
  }
  const finish = `/test/finish?interaction=${id}&accountId=${accountId}&scopes=openid`;
  const stranger = openTestBrowser(service);
  assert.equal((await stranger.fetch(finish)).status, 400, 'no cookie');
  const name = 'oxo_oauth_interaction';
  const value = victim.cookies.get(name) ?? assert.fail();
  const forged = { cookie: `${name}=${value}; ${name}.sig=${'A'.repeat(43)}` };
  assert.equal((await stranger.fetch(finish, undefined, forged)).status, 400, 'a signature of nobody');
  const mixed = await openTestBrowser(service);
  await mixed.fetch(address);
  assert.equal((await mixed.fetch(finish)).status, 400, 'another tab');
  assert.equal((await victim.fetch(finish)).status, 303);
});

test('who signs in where somebody else was signed in gets a session of their own', async () => {
  const browser = openTestBrowser(service);
  const person = { accountId, scopes: 'openid posts:read' };
  await authorize(browser, authorizationRequest(client).address, person);
  const before = browser.cookies.get('oxo_oauth_session') ?? assert.fail('no session');
  const other = { ...person, accountId: (await service.signIn()).id };
  // The library signs the first one out, by a form that a browser posts by itself.
  const left = await authorize(browser, authorizationRequest(client, { prompt: 'login consent' }).address, other);
  const fields = [...left.body.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);
  const confirmed = await browser.fetch('/oauth/logout/confirm', Object.fromEntries(fields));
  const { verifier, address } = authorizationRequest(client);
  const resume = confirmed.location ?? assert.fail(confirmed.body);
  assert.match(resume.pathname, /^\/oauth\/authorize\//);
  const resumed = await authorize(browser, resume, other);
  assert.ok(resumed.location?.searchParams.has('code'), `${resumed.status} ${resumed.location} ${resumed.body}`);
  const after = browser.cookies.get('oxo_oauth_session') ?? assert.fail('no session any more');
  assert.notEqual(after, before);
  const answer = await authorize(browser, address, other);
  const code =
    answer.location?.searchParams.get('code') ?? assert.fail(`${answer.status} ${answer.location} ${answer.body}`);
  const tokens = (await token(service, client, redeem(client, { code, verifier }))).json<TestTokens>();
  assert.equal((await found(tokens))?.accountId, other.accountId);
  const stale = await openTestBrowser(service).fetch(
    authorizationRequest(client, { prompt: 'none' }).address,
    undefined,
    {
      cookie: `oxo_oauth_session=${before}`,
    },
  );
  assert.equal(stale.location?.searchParams.get('error'), 'login_required');
});

test('after a rotation of the keys the next key signs, also ID tokens, and nobody is signed out', async () => {
  const { browser, ...tokens } = await getTokens(service, client, { accountId });
  const kid = service.keys.current().kid;
  service.clock.advance(KEY_PUBLISHED_FOR_MS);
  assert.ok((await service.rotation.rotate({ force: false }, { requestId: 'rotate' })).rotated);
  const refreshed = await token(service, client, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  assert.equal(refreshed.status, 200, refreshed.body);
  const next = decode(refreshed.json<TestTokens>().id_token, 0).kid;
  assert.notEqual(next, kid);
  assert.equal(next, service.keys.current().kid);
  assert.ok(service.keys.published().keys.some((key) => key.kid === next));
  const hint = authorizationRequest(client, {
    id_token_hint: tokens.id_token,
    prompt: 'none',
    scope: 'openid posts:read',
  });
  const answer = await browser.follow(await browser.fetch(hint.address));
  assert.ok(answer.location?.searchParams.get('code'), answer.location?.href);
});

test('no token, code, cookie or secret can be read from the tables or the log', async () => {
  const got = await getCode(service, client, { accountId });
  const tokens = (await token(service, client, redeem(client, got))).json<TestTokens>();
  const secrets = [
    got.code,
    tokens.access_token,
    tokens.refresh_token,
    client.secret ?? '',
    ...got.browser.cookies.values(),
  ];
  const open = openTestBrowser(service);
  await open.fetch(authorizationRequest(client).address);
  secrets.push(...open.cookies.values());
  const all = {
    name: 'test-all',
    text: `select to_jsonb(a)::text as line from oauth_artifacts a union all
      select to_jsonb(g)::text from oauth_grants g union all select to_jsonb(c)::text from oauth_clients c`,
  };
  const text = (await service.db.query<{ line: string }>(all)).map(({ line }) => line).join('\n') + service.log();
  for (const secret of secrets) assert.ok(secret.length > 20 && !text.includes(secret), secret);
});
