import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOUR_MS } from '#kit/clock.ts';
import { explain } from '#kit/testing/explain.ts';
import { ISSUER, type TestAuthService } from '../testing/auth-service.ts';
import { authorize, callHttp, openTestBrowser } from '../testing/oauth-browser.ts';
import {
  authorizationRequest,
  errorOf,
  getTokens,
  postAs,
  registerClient,
  scopesOf,
  type TestClient,
  type TestTokens,
  token,
} from '../testing/oauth-client.ts';
import { startOAuthService } from '../testing/oauth-service.ts';
import { hashOf } from '../tokens/hash.ts';
import { FIND_ACCESS_TOKEN } from './storage/access-tokens.ts';

let service: TestAuthService;
let client: TestClient;
let ada: { id: string; handle: string };
before(async () => {
  const metadata = { post_logout_redirect_uris: ['https://app.example/bye'] };
  ({ service, client } = await startOAuthService({ withUser: true, client: metadata }));
  ada = await service.signUp({ displayName: 'Ada' });
});
after(() => service.close());

const isFound = async (accessToken: string) => (await service.oauth.findAccessToken(accessToken)) !== undefined;

/** What the audit log tells of the end of a grant. */
const endsOf = (grantId: string | undefined) =>
  service.db.query(
    {
      name: 'test-ends',
      text: `select client_id as client, account_id as account, actor_kind as actor, details->>'why' as why from audit.log
        where action = 'END_GRANT' and session_id = $1`,
    },
    [grantId],
  );

const userinfo = (accessToken: string, headers: Record<string, string> = {}) =>
  callHttp(new URL('/oauth/userinfo', service.httpUrl), {
    headers: { authorization: `Bearer ${accessToken}`, ...headers },
  });

test('userinfo tells what was granted, and an address only when it is known to be theirs', async () => {
  const all = { scope: 'openid profile email' };
  const tokens = await getTokens(service, client, { accountId: ada.id }, all);
  const profile = { sub: ada.id, name: 'Ada', preferred_username: ada.handle };
  assert.deepEqual((await userinfo(tokens.access_token)).json(), profile);
  const verify = {
    name: 'test-verify',
    text: 'update accounts set email_verified_at_ms = 1 where id = $1 returning email',
  };
  const [row] = await service.db.query<{ email: string }>(verify, [ada.id]);
  assert.deepEqual((await userinfo(tokens.access_token)).json(), {
    ...profile,
    email: row?.email,
    email_verified: true,
  });
  const less = await getTokens(service, client, { accountId: ada.id, scopes: 'openid' }, all);
  assert.deepEqual((await userinfo(less.access_token)).json(), { sub: ada.id });
  const without = await getTokens(service, client, { accountId: ada.id }, { scope: 'posts:read' });
  assert.equal(errorOf(await userinfo(without.access_token)), 'insufficient_scope');
  for (const bad of ['x', tokens.refresh_token ?? 'a'.repeat(43), tokens.id_token, `${tokens.access_token}x`]) {
    const answer = await userinfo(bad);
    assert.deepEqual([answer.status, errorOf(answer)], [401, 'invalid_token']);
    assert.match(String(answer.headers['www-authenticate']), /^Bearer /);
  }
  const query = new URL(`/oauth/userinfo?access_token=${tokens.access_token}`, service.httpUrl);
  assert.ok((await callHttp(query)).status >= 400);
});

test('a page of the client may ask, and no other page may', async () => {
  const { access_token } = await getTokens(service, client, { accountId: ada.id });
  const own = await userinfo(access_token, { origin: 'https://app.example' });
  assert.deepEqual([own.status, own.headers['access-control-allow-origin']], [200, 'https://app.example']);
  for (const origin of ['https://evil.example', 'null', 'http://app.example']) {
    const answer = await userinfo(access_token, { origin });
    assert.deepEqual([answer.status, answer.headers['access-control-allow-origin']], [400, undefined], origin);
  }
  const { address } = authorizationRequest(client);
  const page = await openTestBrowser(service).fetch(address, undefined, { origin: 'https://app.example' });
  assert.equal(page.headers['access-control-allow-origin'], undefined);
  assert.equal(page.headers['access-control-allow-credentials'], undefined);
});

test('introspection tells a client of its own tokens, and nothing of others', async () => {
  const tokens = await getTokens(service, client, { accountId: ada.id });
  const introspect = async (as: TestClient, value: string) =>
    (await postAs(service, as, '/oauth/introspect', { token: value })).json();
  const access = await introspect(client, tokens.access_token);
  const { active, sub, client_id, scope, iss, token_type } = access;
  assert.deepEqual([active, sub, client_id, iss, token_type], [true, ada.id, client.id, ISSUER, 'Bearer']);
  assert.deepEqual(scopesOf(scope), ['offline_access', 'openid', 'posts:read']);
  assert.equal((await introspect(client, tokens.refresh_token)).active, true);
  const other = await registerClient(service);
  for (const value of [tokens.access_token, tokens.refresh_token]) {
    assert.deepEqual(await introspect(other, value), { active: false });
  }
  assert.deepEqual(await introspect(client, 'a'.repeat(43)), { active: false });
  const nobody = { ...client, secret: 'x' };
  assert.equal(
    errorOf(await postAs(service, nobody, '/oauth/introspect', { token: tokens.access_token })),
    'invalid_client',
  );
  service.clock.advance(HOUR_MS + 1_000);
  assert.deepEqual(await introspect(client, tokens.access_token), { active: false });
});

test('revoking any token of a grant ends the grant, everywhere before the answer', async () => {
  for (const which of ['access_token', 'refresh_token'] as const) {
    const tokens = await getTokens(service, client, { accountId: ada.id });
    const { grantId } = (await service.oauth.findAccessToken(tokens.access_token)) ?? assert.fail();
    const other = await registerClient(service);
    const refused = await postAs(service, other, '/oauth/revoke', { token: tokens[which] });
    assert.equal(errorOf(refused), 'invalid_request');
    assert.ok(await isFound(tokens.access_token), 'another client ends nothing');
    const answer = await postAs(service, client, '/oauth/revoke', { token: tokens[which] });
    assert.deepEqual([answer.status, answer.body], [200, '']);
    assert.ok(service.denyList.isDenied(grantId ?? ''));
    assert.ok(!(await isFound(tokens.access_token)));
    const again = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    assert.equal(errorOf(await token(service, client, again)), 'invalid_grant');
    assert.equal((await postAs(service, client, '/oauth/revoke', { token: tokens[which] })).status, 200, 'again');
  }
  assert.equal((await postAs(service, client, '/oauth/revoke', { token: 'x' })).status, 200, 'unknown');
});

test('revoking that has not been told to everybody is not called done, however often it is asked for', async () => {
  for (const which of ['access_token', 'refresh_token'] as const) {
    const tokens = await getTokens(service, client, { accountId: ada.id });
    const { grantId } = (await service.oauth.findAccessToken(tokens.access_token)) ?? assert.fail();
    const revoke = () => postAs(service, client, '/oauth/revoke', { token: tokens[which] });
    await service.holdBroadcast(true);
    assert.deepEqual([(await revoke()).status, (await revoke()).status], [503, 503]);
    const other = await registerClient(service);
    assert.equal((await postAs(service, other, '/oauth/revoke', { token: tokens[which] })).status, 200);
    assert.ok(!service.denyList.isDenied(grantId ?? ''));
    assert.ok(!(await isFound(tokens.access_token)), 'it has ended all the same');
    await service.holdBroadcast(false);
    assert.equal((await revoke()).status, 200);
    assert.ok(service.denyList.isDenied(grantId ?? ''));
    assert.deepEqual(await endsOf(grantId), [{ client: client.id, account: ada.id, actor: 'CLIENT', why: 'client' }]);
  }
});

test('a token of a sign-in that another one has replaced is revoked too', async () => {
  const scope = { scope: 'openid posts:read' };
  const { browser, ...tokens } = await getTokens(service, client, { accountId: ada.id }, scope);
  const { grantId } = (await service.oauth.findAccessToken(tokens.access_token)) ?? assert.fail();
  const { address } = authorizationRequest(client, scope);
  const again = await authorize(browser, address, { accountId: ada.id, scopes: scope.scope });
  assert.ok(again.location?.searchParams.get('code'));
  assert.equal((await postAs(service, client, '/oauth/revoke', { token: tokens.access_token })).status, 200);
  assert.ok(service.denyList.isDenied(grantId ?? ''));
});

test('a client may act for itself, within the API and what it has registered', async () => {
  const own = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
  const machine = await registerClient(service, own);
  const ask = (as: TestClient, scope: string) => token(service, as, { grant_type: 'client_credentials', scope });
  const { access_token, refresh_token, id_token } = (await ask(machine, 'posts:read')).json<TestTokens>();
  assert.deepEqual([refresh_token, id_token], [undefined, undefined]);
  const found = await service.oauth.findAccessToken(access_token);
  assert.deepEqual(
    [found?.accountId, found?.grantId, found?.clientId, found?.scopes],
    [undefined, undefined, machine.id, ['posts:read']],
  );
  for (const scope of ['openid', 'posts:read profile', 'email', 'offline_access posts:read']) {
    const answer = await ask(machine, scope);
    assert.equal(errorOf(answer), 'invalid_scope', scope);
  }
  // What does not exist is refused, as everywhere.
  for (const scope of ['admin', 'posts:read admin', `posts:read ${'x'.repeat(1_000)}`, 'Posts:write']) {
    assert.equal(errorOf(await ask(machine, scope)), 'invalid_scope', scope);
  }
  const narrow = await registerClient(service, { ...own, scope: 'posts:read' });
  assert.equal(errorOf(await ask(narrow, 'posts:write')), 'invalid_scope');
  assert.equal(errorOf(await ask(client, 'posts:read')), 'invalid_request');
  assert.equal((await userinfo(access_token)).status, 401);
  await postAs(service, machine, '/oauth/revoke', { token: access_token });
  assert.ok(!(await isFound(access_token)));
});

test('signing out at a client ends the browser’s session, when the person says so', async () => {
  const { browser, ...tokens } = await getTokens(
    service,
    client,
    { accountId: ada.id },
    { scope: 'openid posts:read' },
  );
  const query = new URLSearchParams({
    ...{ id_token_hint: tokens.id_token, post_logout_redirect_uri: 'https://app.example/bye', state: 's' },
  });
  const page = await browser.fetch(`/oauth/logout?${query}`);
  assert.equal(page.status, 200, page.body);
  assert.match(page.body, /Sign out\?/);
  const xsrf = /name="xsrf" value="(\w+)"/.exec(page.body)?.[1] ?? assert.fail();
  assert.equal((await browser.fetch('/oauth/logout/confirm', { xsrf: 'x', logout: 'yes' })).status, 400);
  assert.ok(await isFound(tokens.access_token), 'a form that is not ours ends nothing');
  const again = await browser.fetch(`/oauth/logout?${query}`);
  const fresh = /name="xsrf" value="(\w+)"/.exec(again.body)?.[1] ?? xsrf;
  const left = await browser.fetch('/oauth/logout/confirm', { xsrf: fresh, logout: 'yes' });
  assert.equal(left.location?.href, 'https://app.example/bye?state=s');
  assert.ok(!(await isFound(tokens.access_token)), 'tokens without offline_access end with the session');
  const silent = authorizationRequest(client, { prompt: 'none', scope: 'openid posts:read' });
  assert.equal((await browser.fetch(silent.address)).location?.searchParams.get('error'), 'login_required');
  const elsewhere = await browser.fetch('/oauth/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example');
  assert.doesNotMatch(elsewhere.body, /evil/);
});

test('a sign-out that has not been told to everybody is not called done; the browser can ask for it again', async () => {
  const scope = { scope: 'openid posts:read' };
  const { browser, ...tokens } = await getTokens(service, client, { accountId: ada.id }, scope);
  const { grantId } = (await service.oauth.findAccessToken(tokens.access_token)) ?? assert.fail();
  const page = await browser.fetch('/oauth/logout');
  const xsrf = /name="xsrf" value="(\w+)"/.exec(page.body)?.[1] ?? assert.fail();
  const leave = () => browser.fetch('/oauth/logout/confirm', { xsrf, logout: 'yes' });
  await service.holdBroadcast(true);
  assert.deepEqual([(await leave()).status, (await leave()).status], [503, 503]);
  assert.ok(!service.denyList.isDenied(grantId ?? ''));
  await service.holdBroadcast(false);
  assert.equal((await leave()).status, 303);
  assert.ok(service.denyList.isDenied(grantId ?? ''));
  assert.deepEqual(await endsOf(grantId), [{ client: client.id, account: ada.id, actor: 'PERSON', why: 'sign-out' }]);
});

test('who has consented is not asked again for less in the same browser', async () => {
  const browser = openTestBrowser(service);
  const scope = 'openid posts:read';
  const person = { accountId: ada.id, scopes: scope };
  await authorize(browser, authorizationRequest(client, { scope, prompt: undefined }).address, person);
  const silent = authorizationRequest(client, { scope: 'openid', prompt: 'none' });
  assert.ok((await browser.fetch(silent.address)).location?.searchParams.get('code'));
  const more = authorizationRequest(client, { scope: 'openid posts:write', prompt: 'none' });
  assert.equal((await browser.fetch(more.address)).location?.searchParams.get('error'), 'consent_required');
});

test('an access token is found by its key in one statement', async () => {
  const { access_token } = await getTokens(service, client, { accountId: ada.id });
  const fill = {
    name: 'test-fill',
    text: `insert into oauth_artifacts (id_hash, kind, uid, payload, expires_at_ms)
      select sha256(n::text::bytea), 'Session', n::text, '{}', 1e15::bigint from generate_series(1, 5000) n`,
  };
  await service.db.query(fill);
  await service.db.query({ name: 'test-analyze', text: 'analyze oauth_artifacts' });
  const scans = await explain(service.db, FIND_ACCESS_TOKEN, [hashOf(access_token), service.clock.nowMs()]);
  const ofArtifacts = scans.filter((scan) => scan['Relation Name'] === 'oauth_artifacts');
  assert.ok(ofArtifacts.length >= 1);
  for (const scan of ofArtifacts) assert.match(scan['Node Type'], /^Index/, JSON.stringify(scan));
  for (const bad of ['', 'x', 'a'.repeat(44), 'a'.repeat(100_000), "' or 1=1 --".padEnd(43, 'a')]) {
    assert.equal(await service.oauth.findAccessToken(bad), undefined);
  }
});

test('endpoints answer in JSON, whatever the request would like to get (RFC 6749, section 5.2)', async () => {
  const asked = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
  for (const path of ['/oauth/token', '/oauth/introspect', '/oauth/revoke', '/oauth/device', '/oauth/userinfo']) {
    const url = new URL(path, service.httpUrl);
    const answer = await callHttp(url, { method: 'POST', headers: asked, body: 'grant_type=x&token=x' });
    assert.match(String(answer.headers['content-type']), /^application\/json/, path);
    assert.equal(typeof errorOf(answer), 'string', path);
  }
});

test('what is too large, broken or of another kind is refused, and says nothing of us', async () => {
  const post = (body: string, type = 'application/x-www-form-urlencoded') =>
    callHttp(new URL('/oauth/token', service.httpUrl), { method: 'POST', headers: { 'content-type': type }, body });
  const basic = `client_id=${client.id}&client_secret=${client.secret}`;
  assert.equal((await post('a'.repeat(65 * 1024))).status, 413);
  const refused = [
    await post(`${basic}&grant_type=${'a'.repeat(50_000)}`),
    await post('{"grant_type":"refresh_token"}', 'application/json'),
    await post(''),
    await post(`${basic}&grant_type=refresh_token&grant_type=authorization_code`),
    await post(`${basic}&grant_type=refresh_token&refresh_token=${encodeURIComponent("' or 1=1; --")}`),
    await post(`${basic}&grant_type=refresh_token&refresh_token=${'a'.repeat(40_000)}`),
    await post(`${basic}&grant_type=refresh_token&refresh_token=%00`),
    await post(`client_id=%00&client_secret=a&grant_type=refresh_token`),
    await post(`client_id=${'a'.repeat(40_000)}&client_secret=a&grant_type=refresh_token`),
    await post(`client_id=__proto__&client_secret=a&grant_type=refresh_token`),
    await post('%%%=&&&='),
  ];
  for (const [index, answer] of refused.entries()) {
    errorOf(answer);
    assert.doesNotMatch(answer.body, /oops|stack|node_modules|postgres/i, String(index));
  }
  assert.doesNotMatch(service.log(), /OAuth request failed/);
});
