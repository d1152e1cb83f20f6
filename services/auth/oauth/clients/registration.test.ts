import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS, HOUR_MS } from '#kit/clock.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { callHttp } from '../../testing/oauth-browser.ts';
import { errorOf, postAs, postJson, registerClient, type TestClient, token } from '../../testing/oauth-client.ts';
import { DEVICE_GRANT, MAX_NAME_CHARACTERS, MAX_REDIRECT_URIS, MAX_URI_CHARACTERS } from './client-metadata.ts';
import { createClients } from './clients.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

const ROWS = { name: 'test-clients', text: 'select count(*)::int as count from oauth_clients' };
const count = async () => (await service.db.query<{ count: number }>(ROWS))[0]?.count;
const good = { redirect_uris: ['https://app.example/cb'] };

test('metadata says what there is, all of it under the public address', async () => {
  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']) {
    const headers = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'ftp', origin: 'https://any.example' };
    const answer = await callHttp(new URL(path, service.httpUrl), { headers });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['access-control-allow-origin'], 'https://any.example');
    const metadata = answer.json();
    const endpoints = Object.entries(metadata).filter(([name]) => /_(endpoint|uri)$/.test(name));
    assert.deepEqual(Object.fromEntries(endpoints), {
      authorization_endpoint: `${ISSUER}/oauth/authorize`,
      device_authorization_endpoint: `${ISSUER}/oauth/device`,
      end_session_endpoint: `${ISSUER}/oauth/logout`,
      introspection_endpoint: `${ISSUER}/oauth/introspect`,
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
      registration_endpoint: `${ISSUER}/oauth/register`,
      revocation_endpoint: `${ISSUER}/oauth/revoke`,
      token_endpoint: `${ISSUER}/oauth/token`,
      userinfo_endpoint: `${ISSUER}/oauth/userinfo`,
    });
    assert.equal(metadata.issuer, ISSUER);
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
    assert.deepEqual(metadata.response_types_supported, ['code']);
    assert.deepEqual(metadata.id_token_signing_alg_values_supported, ['RS256']);
    assert.deepEqual(metadata.token_endpoint_auth_methods_supported, [
      'client_secret_basic',
      'client_secret_post',
      'none',
    ]);
    assert.deepEqual(
      (metadata.scopes_supported as string[]).filter((scope) => /^(admin|media|notifications)/.test(scope)),
      [],
    );
  }
});

test('a client registers and is told its secret once; the table has no secret', async () => {
  const answer = await postJson(service, '/oauth/register', {
    ...good,
    client_name: 'Ada’s app',
    software_id: 'a',
    other: 1,
  });
  assert.equal(answer.status, 201, answer.body);
  assert.equal(answer.headers['cache-control'], 'no-store');
  const { client_id, client_secret, ...metadata } = answer.json<Record<string, string>>();
  assert.ok(client_id && client_secret && client_secret.length >= 43);
  assert.deepEqual(
    [metadata.client_name, metadata.software_id, metadata.other, metadata.registration_access_token],
    ['Ada’s app', 'a', undefined, undefined],
  );
  const client: TestClient = { id: client_id, secret: client_secret, redirectUri: '' };
  const form = { grant_type: 'authorization_code', code: 'x', redirect_uri: 'x' };
  assert.equal(errorOf(await token(service, client, form)), 'invalid_grant', 'the secret is right');
  const digest = (await createClients(service.db, service.clock).find(client_id))?.client_secret;
  assert.ok(typeof digest === 'string' && digest !== client_secret);
  assert.equal(
    errorOf(await token(service, { ...client, secret: digest }, form)),
    'invalid_client',
    'what is stored is worth nothing',
  );
});

test('what is wrong or too much is refused, and nothing is stored', async () => {
  const before = await count();
  const uri = `https://app.example/${'a'.repeat(MAX_URI_CHARACTERS)}`;
  const wrong: [object | string, RegExp][] = [
    [{}, /invalid_(redirect_uri|client_metadata)/],
    ['{', /invalid_request/],
    ['[]', /invalid_request/],
    [{ redirect_uris: ['http://app.example/cb'] }, /invalid_redirect_uri/],
    [{ redirect_uris: ['https://app.example/cb#a'] }, /invalid_redirect_uri/],
    [{ redirect_uris: ['https://a@app.example/cb'] }, /invalid_redirect_uri/],
    [{ redirect_uris: ['http://127.0.0.1/cb'] }, /invalid_redirect_uri/],
    [{ redirect_uris: ['com.example:/cb'] }, /invalid_redirect_uri/],
    [{ redirect_uris: ['myapp://cb'], application_type: 'native' }, /invalid_redirect_uri.*com\.example\.app:/],
    [{ redirect_uris: 'https://app.example/cb' }, /invalid_redirect_uri/],
    [{ redirect_uris: [1] }, /invalid_redirect_uri/],
    [{ redirect_uris: [uri] }, /invalid_redirect_uri/],
    [
      { redirect_uris: Array.from({ length: MAX_REDIRECT_URIS + 1 }, (_, n) => `https://app.example/${n}`) },
      /invalid_redirect_uri/,
    ],
    [{ ...good, post_logout_redirect_uris: ['http://evil.example/'] }, /post_logout_redirect_uris/],
    [{ ...good, client_name: 'a'.repeat(MAX_NAME_CHARACTERS + 1) }, /client_name/],
    [{ ...good, client_name: 'a\u202eb' }, /client_name/],
    [{ ...good, client_name: 'O\u200bXO' }, /client_name/],
    [{ ...good, client_name: 'O\u061cXO' }, /client_name/],
    [{ ...good, client_name: 'a\nb' }, /client_name/],
    [{ ...good, client_name: {} }, /client_name/],
    [{ ...good, logo_uri: 'http://app.example/logo' }, /logo_uri/],
    [{ ...good, client_uri: 'javascript:alert(1)' }, /client_uri/],
    [{ ...good, policy_uri: uri }, /policy_uri/],
    [{ ...good, contacts: Array.from({ length: 6 }, (_, n) => `a${n}@app.example`) }, /contacts/],
    [{ ...good, jwks_uri: 'http://127.0.0.1:5432/' }, /jwks_uri/],
    [{ ...good, sector_identifier_uri: 'http://169.254.169.254/' }, /sector_identifier_uri/],
    [{ ...good, jwks: { keys: [] } }, /jwks/],
    [{ ...good, scope: 'openid admin' }, /there is no scope admin;/],
    [{ ...good, scope: 'openid feed:write' }, /there is no scope feed:write; there are: openid .*feed:read/],
    [{ ...good, scope: 'media:write' }, /there is no scope media:write/],
    [{ ...good, scope: 'a"b' }, /there is no scope \?;/],
    [{ grant_types: [DEVICE_GRANT], response_types: ['code'] }, /redirect_uris/],
    [{ grant_types: [DEVICE_GRANT, 'authorization_code'] }, /redirect_uris/],
    [{ grant_types: [] }, /redirect_uris/],
    [{ ...good, grant_types: ['implicit'] }, /grant_types/],
    [{ ...good, grant_types: ['password'] }, /grant_types/],
    [{ ...good, response_types: ['token'] }, /response_types/],
    [{ ...good, token_endpoint_auth_method: 'client_secret_jwt' }, /token_endpoint_auth_method/],
    [{ ...good, token_endpoint_auth_method: 'private_key_jwt' }, /jwks/],
    [{ ...good, id_token_signed_response_alg: 'none' }, /id_token_signed_response_alg/],
    [{ ...good, id_token_signed_response_alg: 'HS256' }, /id_token_signed_response_alg/],
    [{ ...good, subject_type: 'pairwise' }, /subject_type/],
    [
      { ...good, grant_types: ['client_credentials'], response_types: [], token_endpoint_auth_method: 'none' },
      /client_credentials/,
    ],
  ];
  for (const [metadata, pattern] of wrong) {
    const answer = await postJson(service, '/oauth/register', metadata);
    errorOf(answer);
    assert.match(answer.body, pattern, JSON.stringify(metadata).slice(0, 200));
  }
  assert.equal(await count(), before);
});

test('what a client leaves out is filled in, and told', async () => {
  const register = async (metadata: object) => {
    const answer = await postJson(service, '/oauth/register', metadata);
    assert.equal(answer.status, 201, answer.body);
    const { grant_types, response_types, redirect_uris, token_endpoint_auth_method: method } = answer.json();
    return { grant_types, response_types, redirect_uris, method };
  };
  const code = { response_types: ['code'], redirect_uris: good.redirect_uris, method: 'client_secret_basic' };
  assert.deepEqual(await register(good), { ...code, grant_types: ['authorization_code', 'refresh_token'] });
  const asked = { ...good, grant_types: ['authorization_code'] };
  assert.deepEqual(await register(asked), { ...code, grant_types: ['authorization_code'] }, 'what it says counts');
  const both = { ...good, grant_types: [DEVICE_GRANT, 'authorization_code'] };
  assert.deepEqual(await register(both), { ...code, grant_types: both.grant_types });
  const none = { response_types: [], redirect_uris: [] };
  const device = { grant_types: [DEVICE_GRANT, 'refresh_token'], token_endpoint_auth_method: 'none' };
  for (const more of [{}, { redirect_uris: [] }, none]) {
    assert.deepEqual(await register({ ...device, ...more }), {
      ...none,
      grant_types: device.grant_types,
      method: 'none',
    });
  }
  const own = { grant_types: ['client_credentials'] };
  assert.deepEqual(await register(own), { ...none, ...own, method: code.method });
});

test('a secret that a client would like to choose, or an id, is passed over', async () => {
  const chosen = {
    ...good,
    client_id: 'oxo',
    client_secret: 'chosen',
    client_secret_expires_at: 1,
    client_id_issued_at: 1,
  };
  const registered = (await postJson(service, '/oauth/register', chosen)).json();
  assert.notEqual(registered.client_id, 'oxo');
  assert.notEqual(registered.client_secret, 'chosen');
  assert.equal(registered.client_secret_expires_at, 0);
});

test('a network registers so many in an hour', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.9' };
  const limited = await startAuthService({
    withUser: false,
    allowances: { clientFromNetwork: { attempts: 2, windowMs: HOUR_MS } },
  });
  try {
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await postJson(limited, '/oauth/register', good, headers)).status, 201);
    }
    const answer = await postJson(limited, '/oauth/register', good, headers);
    assert.equal(answer.status, 429);
    assert.ok(Number(answer.headers['retry-after']) > 1_000);
    const elsewhere = { 'x-forwarded-for': '203.0.113.10' };
    assert.equal((await postJson(limited, '/oauth/register', good, elsewhere)).status, 201);
  } finally {
    await limited.close();
  }
});

test('a client that nobody has used is forgotten, one that has had a token stays', async () => {
  const ownGrant = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
  const [used, unused] = [await registerClient(service, ownGrant), await registerClient(service)];
  assert.equal((await token(service, used, { grant_type: 'client_credentials', scope: 'posts:read' })).status, 200);
  const clients = createClients(service.db, service.clock);
  service.clock.advance(29 * DAY_MS);
  await clients.cleanUp();
  assert.ok(await clients.find(unused.id));
  service.clock.advance(DAY_MS + 1_000);
  await clients.cleanUp();
  assert.equal(await clients.find(unused.id), undefined);
  assert.ok(await clients.find(used.id));
});

test('a network shows so many wrong codes and secrets, and a device may ask again and again', async () => {
  const limited = await startAuthService({
    withUser: false,
    allowances: { tokenFromNetwork: { attempts: 2, windowMs: HOUR_MS } },
  });
  try {
    const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
    const own = { grant_types: ['client_credentials', deviceGrant], response_types: [], redirect_uris: [] };
    const client = await registerClient(limited, own);
    const right = { grant_type: 'client_credentials', scope: 'posts:read' };
    const asked = await postAs(limited, client, '/oauth/device', { scope: 'posts:read' });
    const waiting = { grant_type: deviceGrant, device_code: String(asked.json().device_code) };
    for (let time = 0; time < 4; time += 1) {
      assert.equal((await token(limited, client, right)).status, 200);
      assert.match(errorOf(await token(limited, client, waiting)), /authorization_pending|slow_down/);
    }
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await token(limited, { ...client, secret: 'guessed' }, right)).status, 401);
    }
    const refused = await token(limited, { ...client, secret: 'guessed' }, right);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers['retry-after']) > 1_000);
    assert.equal(refused.headers['www-authenticate'], undefined);
    // What is right passes, whoever else in the network has been wrong.
    assert.equal((await token(limited, client, right)).status, 200);
    assert.equal((await postAs(limited, client, '/oauth/revoke', { token: 'x' })).status, 200);
    assert.equal((await postAs(limited, { ...client, secret: 'x' }, '/oauth/introspect', { token: 'x' })).status, 401);
  } finally {
    await limited.close();
  }
});
