import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { Metadata } from 'nice-grpc';
import { publicRpcs } from '../refusals/contracts.ts';
import { everyCall } from '../refusals/refused.ts';
import { makeAdmin } from '../testing/admins.ts';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { type ApiRequest, refusal } from '../testing/client.ts';
import { openForge } from '../testing/credentials.ts';
import { inDatabase } from '../testing/database.ts';
import {
  type Answered,
  ask,
  codeRequest,
  errorIn,
  getCode,
  getTokens,
  type OAuthClient,
  postAs,
  redeem,
  registerClient,
  tokensIn,
} from '../testing/oauth.ts';
import { post, signUp } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';

/** All that a client may ask for. */
const everything =
  'openid profile email offline_access profile:read profile:write posts:read posts:write follows:write feed:read';
const machine = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

const token = (world: World, client: OAuthClient, form: Record<string, string>) =>
  postAs(world, client, '/oauth/token', form);
const refresh = (world: World, client: OAuthClient, refresh_token: string, more: Record<string, string> = {}) =>
  token(world, client, { grant_type: 'refresh_token', refresh_token, ...more });
const userinfo = (world: World, bearer: string): Promise<Answered> =>
  ask(world, '/oauth/userinfo', { headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' } });

async function requireReason(world: World, request: ApiRequest, status: number, reason: string): Promise<void> {
  const error = await refusal(world.api, request);
  assert.deepEqual([error.status, error.reason], [status, reason], `${request.method ?? 'GET'} ${request.path}`);
}

/** ID tokens that somebody has made who has not the key, from one that is right. */
async function forgedHints(world: World, idToken: string): Promise<Record<string, string>> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const [header, claims] = [decodeProtectedHeader(idToken), decodeJwt(idToken)];
  const { keys } = JSON.parse((await ask(world, '/.well-known/jwks.json')).body) as { keys: Record<string, string>[] };
  const jwk = keys.find(({ kid }) => kid === header.kid) ?? assert.fail();
  const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const hmac = (secret: string | Buffer, more: object = {}) => {
    const signed = `${encode({ ...header, ...more, alg: 'HS256' })}.${encode(claims)}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  };
  const own = (more: object) =>
    new SignJWT(claims).setProtectedHeader({ ...header, alg: 'RS256', ...more } as never).sign(privateKey);
  const forge = await openForge(world.stack);
  const changed = (changes: object) => forge.sign({ ...claims, ...changes }, { typ: 'JWT' });
  return {
    'alg none': `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
    'HS256 with the public key': hmac(pem),
    'HS256 with nothing': hmac(''),
    'kid as a path': hmac('', { kid: '../../../../dev/null' }),
    'kid as SQL': await own({ kid: `x' union select '' --` }),
    'the attacker’s key under our kid': await own({}),
    'the key in the token': await own({ jwk: jwk as object, kid: undefined }),
    'the key at an address': await own({ jku: 'http://127.0.0.1:1/jwks.json', x5u: 'http://127.0.0.1:1/c.pem' }),
    'another issuer': await changed({ iss: 'https://evil.example' }),
    'another audience': await changed({ aud: randomUUID() }),
    'our own audience': await changed({ aud: 'oxo-api' }),
  };
}

/** Tokens that somebody makes, keeps, or stretches. */
export const oauthTokens: Cases = {
  'forged ID tokens where a client shows one: alg none, HS256, kid, jku, issuer, audience': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { browser, id_token } = await getTokens(world, client, person, { scope: 'openid posts:read' });
    const silent = (hint: string) => codeRequest(client, { scope: 'openid', prompt: 'none', id_token_hint: hint }).path;
    assert.ok(
      (await ask(world, silent(id_token), { as: browser })).location?.searchParams.get('code'),
      'the right one',
    );
    for (const [what, forged] of Object.entries(await forgedHints(world, id_token))) {
      const { location } = await ask(world, silent(forged), { as: browser });
      assert.equal(location?.searchParams.get('code'), null, what);
      assert.equal(location?.searchParams.get('error'), 'invalid_request', what);
      const left = await ask(world, `/oauth/logout?id_token_hint=${encodeURIComponent(forged)}`, { as: browser });
      assert.deepEqual([left.status, left.location], [400, undefined], what);
      for (const path of ['/users/me', '/feed/public']) {
        await requireReason(world, { path, token: forged }, 401, 'TOKEN_INVALID');
      }
      assert.equal((await userinfo(world, forged)).status, 401, what);
      const introspected = await postAs(world, client, '/oauth/introspect', { token: forged });
      assert.notEqual(JSON.parse(introspected.body).active, true, what);
    }
    // Nor is the right one a key to anything.
    await requireReason(world, { path: '/users/me', token: id_token }, 401, 'TOKEN_INVALID');
    assert.equal((await userinfo(world, id_token)).status, 401);
  },

  'a client that proves itself by an assertion that anybody can make': async (world) => {
    const client = await registerClient(world);
    const claims = { iss: client.id, sub: client.id, aud: world.stack.publicUrl, jti: randomUUID(), exp: 4e9 };
    const signed = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
    const byHmac = `${signed}.${createHmac('sha256', client.secret ?? '')
      .update(signed)
      .digest('base64url')}`;
    for (const assertion of [`${encode({ alg: 'none' })}.${encode(claims)}.`, byHmac]) {
      const answer = await ask(world, '/oauth/token', {
        form: {
          ...{ grant_type: 'refresh_token', refresh_token: 'x', client_id: client.id, client_assertion: assertion },
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        },
      });
      assert.match(errorIn(answer), /^invalid_(client|request)$/);
    }
    for (const grant of ['password', 'urn:ietf:params:oauth:grant-type:jwt-bearer', 'implicit', '__proto__']) {
      const form = { grant_type: grant, username: 'a', password: 'b', assertion: byHmac };
      assert.equal(errorIn(await token(world, client, form)), 'unsupported_grant_type', grant);
    }
    const exchange = { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', subject_token: byHmac };
    assert.equal(errorIn(await token(world, client, exchange)), 'unsupported_grant_type');
  },

  'refresh reuse: it ends all that came of the grant': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const one = await getTokens(world, client, person);
    const two = tokensIn(await refresh(world, client, one.refresh_token));
    const other = await registerClient(world);
    assert.equal(errorIn(await refresh(world, other, two.refresh_token)), 'invalid_grant', 'another client');
    assert.equal((await world.api.call({ path: '/feed/public', token: two.access_token })).status, 200);
    // As if the first had been used a minute ago: for some seconds an answer that was lost may be asked for again.
    await inDatabase(world.stack.urls.database, (database) =>
      database.query(
        `update auth.oauth_artifacts set consumed_at_ms = consumed_at_ms - 60000
          where client_id = $1 and kind = 'RefreshToken' and consumed_at_ms is not null`,
        [client.id],
      ),
    );
    assert.equal(errorIn(await refresh(world, client, one.refresh_token)), 'invalid_grant');
    assert.equal(errorIn(await refresh(world, client, two.refresh_token)), 'invalid_grant');
    for (const { access_token } of [one, two]) {
      await requireReason(world, { path: '/feed/public', token: access_token }, 401, 'TOKEN_INVALID');
      assert.equal((await userinfo(world, access_token)).status, 401);
    }
  },

  'scope escalation: on the consent, the code, a refresh and the exchange': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const code = await getCode(world, client, person, { scope: 'openid posts:read offline_access' });
    const first = tokensIn(await token(world, client, { ...redeem(client, code), scope: everything }));
    const granted = ['offline_access', 'openid', 'posts:read'];
    assert.deepEqual(first.scope.split(' ').sort(), granted);
    for (const scope of [
      'posts:read posts:write',
      everything,
      'admin',
      'posts:*',
      '*',
      'posts:read  admin',
      'POSTS:READ',
    ]) {
      assert.equal(errorIn(await refresh(world, client, first.refresh_token, { scope })), 'invalid_scope', scope);
    }
    const less = tokensIn(await refresh(world, client, first.refresh_token, { scope: 'posts:read' }));
    const whole = tokensIn(await refresh(world, client, less.refresh_token));
    assert.deepEqual(whole.scope.split(' ').sort(), granted);
    const write = { method: 'POST', path: '/posts', body: { text: 'intruder' } } as const;
    const spoofed = { 'x-oxo-scopes': everything, scope: everything, 'x-oxo-on-behalf-of': person.accessToken };
    for (const { access_token } of [first, less, whole]) {
      assert.equal((await world.api.call({ path: `/users/${person.id}/posts`, token: access_token })).status, 200);
      for (const headers of [{}, spoofed]) {
        await requireReason(world, { ...write, token: access_token, headers }, 403, 'SCOPE_MISSING');
        await requireReason(world, { path: '/feed', token: access_token, headers }, 403, 'SCOPE_MISSING');
      }
    }
    // The token of an administrator’s client is not an administrator's.
    const admin = await makeAdmin(world, await signUp(world.api));
    const browser = openBrowser(world.stack.urls.frontDoor);
    const answer = await browser.open(codeRequest(client, { scope: `${everything} admin` }).path);
    assert.equal(answer.url.searchParams.get('error'), 'invalid_scope', answer.body);
    const { access_token } = await getTokens(world, client, admin, { scope: everything });
    await requireReason(world, { path: '/admin/audit-log', token: access_token }, 403, 'FIRST_PARTY_ONLY');
  },

  'the token of a client on what is for people who have signed in with us': async (world) => {
    const [person, other, client] = [await signUp(world.api), await signUp(world.api), await registerClient(world)];
    const { access_token } = await getTokens(world, client, person, { scope: everything });
    const written = await post(world.api, person, 'mine');
    const calls = everyCall({ me: person, other, myPost: written, theirPost: written });
    const firstParty = publicRpcs.filter(({ access }) => access?.kind === 'signedIn' && access.firstParty);
    assert.ok(firstParty.length >= 10);
    for (const { name } of firstParty) {
      const request = calls[name] ?? assert.fail(name);
      const { status } = await refusal(world.api, { ...request, token: access_token });
      assert.equal(status, 403, name);
    }
    assert.equal((await world.api.call({ path: '/users/me', token: person.accessToken })).status, 200);
    assert.equal((await world.api.call({ path: '/users/me', token: access_token })).status, 200);
  },

  'the token that a client has for itself, on what is for people': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world, machine)];
    const scope = 'profile:read profile:write posts:read posts:write follows:write feed:read';
    const { access_token } = tokensIn(await token(world, client, { grant_type: 'client_credentials', scope }));
    const written = await post(world.api, person, 'mine');
    const calls = everyCall({ me: person, other: person, myPost: written, theirPost: written });
    for (const { name, access } of publicRpcs) {
      if (access?.kind !== 'signedIn') continue;
      const { status } = await refusal(world.api, { path: '', ...calls[name], token: access_token });
      assert.ok([401, 403].includes(status), `${name}: ${status}`);
    }
    assert.equal((await userinfo(world, access_token)).status, 401);
    for (const scope of ['openid', 'offline_access', 'email']) {
      assert.equal(errorIn(await token(world, client, { grant_type: 'client_credentials', scope })), 'invalid_scope');
    }
    const forPeople = await registerClient(world);
    const own = { grant_type: 'client_credentials', scope: 'posts:read' };
    assert.match(errorIn(await token(world, forPeople, own)), /^(unauthorized_client|invalid_request)$/);
  },

  'the tokens of another client: nothing is told of them, and nothing ended': async (world) => {
    const [person, client, other] = [await signUp(world.api), await registerClient(world), await registerClient(world)];
    const tokens = await getTokens(world, client, person);
    for (const each of [tokens.access_token, tokens.refresh_token]) {
      const told = await postAs(world, other, '/oauth/introspect', { token: each });
      assert.deepEqual(JSON.parse(told.body), { active: false });
      assert.equal(errorIn(await postAs(world, other, '/oauth/revoke', { token: each })), 'invalid_request');
      const nobody = await ask(world, '/oauth/introspect', { form: { token: each } });
      assert.match(errorIn(nobody), /^invalid_(client|request)$/);
    }
    assert.equal((await userinfo(world, tokens.refresh_token)).status, 401);
    await requireReason(world, { path: '/feed/public', token: tokens.refresh_token }, 401, 'TOKEN_INVALID');
    assert.equal((await world.api.call({ path: '/feed/public', token: tokens.access_token })).status, 200);
    // A token in the address would stand in logs.
    const inAddress = await ask(world, `/oauth/userinfo?access_token=${tokens.access_token}`, {
      headers: { accept: 'application/json' },
    });
    assert.ok([400, 401].includes(inAddress.status));
  },

  'the opaque token of a client, sent straight to a service': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const { access_token } = await getTokens(world, client, person, { scope: everything });
    const stubs = openStubs(world.stack);
    try {
      const metadata = Metadata({ authorization: `Bearer ${access_token}` });
      await assert.rejects(stubs.user.getMe({}, { metadata }), /UNAUTHENTICATED/);
      await assert.rejects(stubs.userInternal.resolveUser({ id: person.id }, { metadata }), /UNAUTHENTICATED/);
      await assert.rejects(stubs.feed.getPublicFeed({}, { metadata }), /UNAUTHENTICATED/);
    } finally {
      stubs.close();
    }
    for (const path of [
      '/internal/exchange',
      '//internal/exchange',
      '/internal/exchange/',
      '/oauth/../internal/exchange',
    ]) {
      const headers = { authorization: `Bearer ${access_token}` };
      const { status, headers: answered } = await ask(world, path, { headers });
      assert.ok([400, 401, 404].includes(status), `${path}: ${status}`);
      assert.equal(answered.authorization, undefined, path);
    }
  },
};
