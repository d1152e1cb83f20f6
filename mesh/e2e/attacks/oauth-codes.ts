import assert from 'node:assert/strict';
import { Metadata } from 'nice-grpc';
import * as openid from 'openid-client';
import { until } from '#kit/testing/until.ts';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { refusal } from '../testing/client.ts';
import {
  type Answered,
  agree,
  ask,
  callback,
  challengeOf,
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
import { signUp } from '../testing/people.ts';
import { openStubs } from '../testing/stubs.ts';
import type { World } from '../testing/world.ts';

const token = (world: World, client: OAuthClient, form: Record<string, string>): Promise<Answered> =>
  postAs(world, client, '/oauth/token', form);

/** The JWT that the front door gets for a token; nobody outside can ask for it. */
async function exchanged({ stack }: World, opaque: string): Promise<string> {
  const url = `http://127.0.0.1:${stack.environmentOf('auth').HTTP_PORT}/internal/exchange`;
  const { headers } = await fetch(url, { headers: { authorization: `Bearer ${opaque}` } });
  return (headers.get('authorization') ?? assert.fail('no token')).replace('Bearer ', '');
}

/** Neither the token nor what it was exchanged for is worth anything any more, at the front door and behind it. */
async function requireEnded(world: World, opaque: string, jwt: string): Promise<void> {
  assert.equal((await refusal(world.api, { path: '/feed/public', token: opaque })).reason, 'TOKEN_INVALID');
  const stubs = openStubs(world.stack);
  try {
    const metadata = Metadata({ authorization: `Bearer ${jwt}` });
    await until('the services refuse it', async () => {
      const calls = [stubs.user.getUser({ id: jwt }, { metadata }), stubs.feed.getPublicFeed({}, { metadata })];
      const answers = await Promise.all(calls.map((call) => call.then(String, String)));
      return answers.every((answer) => answer.includes('UNAUTHENTICATED'));
    });
  } finally {
    stubs.close();
  }
}

/** The error with which a request of a client comes back to it. */
async function comesBack(world: World, path: string): Promise<string | null> {
  const { location, status, body } = await ask(world, path);
  assert.equal(location?.origin, new URL(callback).origin, `${path} ${status} ${location} ${body}`);
  const query = new URLSearchParams(location.search || location.hash.slice(1));
  assert.deepEqual([query.get('iss'), query.get('code')], [world.stack.publicUrl, null], path);
  return query.get('error');
}

/** Codes that are stolen, guessed, or brought by whom they are not for. */
export const oauthCodes: Cases = {
  'code replay: it gives nothing, and ends the tokens of the first time': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const code = await getCode(world, client, person);
    const tokens = tokensIn(await token(world, client, redeem(client, code)));
    assert.equal((await world.api.call({ path: '/feed/public', token: tokens.access_token })).status, 200);
    const jwt = await exchanged(world, tokens.access_token);
    assert.equal(errorIn(await token(world, client, redeem(client, code))), 'invalid_grant');
    await requireEnded(world, tokens.access_token, jwt);
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    assert.equal(errorIn(await token(world, client, refresh)), 'invalid_grant');
  },

  'code replay by many at once': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const code = await getCode(world, client, person);
    const answers = await Promise.all(Array.from({ length: 8 }, () => token(world, client, redeem(client, code))));
    const good = answers.filter(({ status }) => status === 200);
    assert.ok(good.length <= 1, `${good.length} got tokens`);
    for (const answer of good) {
      const { access_token } = tokensIn(answer);
      assert.equal((await refusal(world.api, { path: '/feed/public', token: access_token })).reason, 'TOKEN_INVALID');
    }
  },

  'a code for another client, with another secret, to another address': async (world) => {
    const [person, client, other] = [await signUp(world.api), await registerClient(world), await registerClient(world)];
    const open = await registerClient(world, { token_endpoint_auth_method: 'none' });
    const code = await getCode(world, client, person);
    const right = redeem(client, code);
    const wrong: [what: string, as: OAuthClient, form: Record<string, string>, error: string][] = [
      ['another client', other, right, 'invalid_grant'],
      ['a client without a secret', open, right, 'invalid_grant'],
      ['the secret of another', { ...client, secret: other.secret }, right, 'invalid_client'],
      ['no secret', { ...client, secret: undefined }, right, 'invalid_client'],
      ['an empty secret', { ...client, secret: '' }, right, 'invalid_client'],
      ['an unknown client', { ...client, id: 'nobody' }, right, 'invalid_client'],
      ['another redirect URI', client, { ...right, redirect_uri: `${callback}/` }, 'invalid_grant'],
      ['no redirect URI', client, { ...right, redirect_uri: '' }, 'invalid_request'],
      ['a code and a half', client, { ...right, code: `${code.code}a` }, 'invalid_grant'],
      ['a code in capitals', client, { ...right, code: code.code.toUpperCase() }, 'invalid_grant'],
      [
        'the code as a refresh token',
        client,
        { grant_type: 'refresh_token', refresh_token: code.code },
        'invalid_grant',
      ],
    ];
    for (const [what, as, form, error] of wrong) assert.equal(errorIn(await token(world, as, form)), error, what);
    const asToken = await refusal(world.api, { path: '/feed/public', token: code.code });
    assert.equal(asToken.reason, 'TOKEN_INVALID');
    tokensIn(await token(world, client, right));
  },

  'PKCE that is missing, plain, downgraded or wrong': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const requests: [what: string, changes: Record<string, string | undefined>][] = [
      ['none', { code_challenge: undefined, code_challenge_method: undefined }],
      ['a method alone', { code_challenge: undefined }],
      ['plain', { code_challenge_method: 'plain' }],
      ['plain by leaving it out', { code_challenge_method: undefined }],
      ['another case', { code_challenge_method: 's256' }],
      ['an empty method', { code_challenge_method: '' }],
      ['an empty challenge', { code_challenge: '' }],
      ['a short challenge', { code_challenge: 'short' }],
      ['a long challenge', { code_challenge: 'a'.repeat(500) }],
    ];
    for (const [what, changes] of requests) {
      assert.equal(await comesBack(world, codeRequest(client, changes).path), 'invalid_request', what);
    }
    const { path } = codeRequest(client);
    for (const twice of ['code_challenge_method=plain', `code_challenge=${challengeOf('a'.repeat(43))}`]) {
      assert.equal(await comesBack(world, `${path}&${twice}`), 'invalid_request', twice);
    }
    const code = await getCode(world, client, person);
    const right = redeem(client, code);
    const { code_verifier: _, ...without } = right;
    for (const [what, form] of Object.entries({
      'no verifier': without,
      'an empty verifier': { ...right, code_verifier: '' },
      'another verifier': { ...right, code_verifier: 'a'.repeat(43) },
      'the challenge as the verifier': { ...right, code_verifier: challengeOf(code.verifier) },
      'the method in the form': { ...right, code_verifier: challengeOf(code.verifier), code_challenge_method: 'plain' },
      'another challenge in the form': {
        ...right,
        code_verifier: 'a'.repeat(43),
        code_challenge: challengeOf('a'.repeat(43)),
      },
    })) {
      assert.equal(errorIn(await token(world, client, form)), 'invalid_grant', what);
    }
    const metadata = JSON.parse((await ask(world, '/.well-known/oauth-authorization-server')).body);
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
  },

  'a request that asks for more than a code, or is hidden in an object of the attacker’s': async (world) => {
    const client = await registerClient(world);
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(
      JSON.stringify({ client_id: client.id, redirect_uri: 'https://evil.example', code_challenge_method: 'plain' }),
    ).toString('base64url')}.`;
    const wrong: [changes: Record<string, string>, error: string][] = [
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'id_token', nonce: 'n' }, 'unsupported_response_type'],
      [{ response_type: 'code token', nonce: 'n' }, 'unsupported_response_type'],
      [{ response_type: 'none' }, 'unsupported_response_type'],
      [{ request: none }, 'request_not_supported'],
      [{ request_uri: 'http://127.0.0.1:1/r' }, 'request_uri_not_supported'],
      [{ request_uri: 'urn:ietf:params:oauth:request_uri:a' }, 'request_uri_not_supported'],
    ];
    for (const [changes, error] of wrong) {
      assert.equal(await comesBack(world, codeRequest(client, changes).path), error, JSON.stringify(changes));
    }
  },

  'mix-up: each answer says whose it is, and nothing in a request changes that': async (world) => {
    const [person, client] = [await signUp(world.api), await registerClient(world)];
    const issuer = world.stack.publicUrl;
    const claimed = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    const found = await ask(world, '/.well-known/openid-configuration', { headers: claimed });
    const metadata = JSON.parse(found.body) as openid.ServerMetadata;
    assert.deepEqual([metadata.issuer, metadata.token_endpoint], [issuer, `${issuer}/oauth/token`]);
    assert.doesNotMatch(found.body, /evil/);
    const refused = await ask(world, codeRequest(client, { prompt: 'none' }).path, { headers: claimed });
    assert.equal(refused.location?.searchParams.get('iss'), issuer);

    // Somebody's client believes to have asked another server; the answer of ours is not what it waits for.
    const { answer, verifier } = await getCode(world, client, person, { scope: 'posts:read' });
    assert.deepEqual(answer.searchParams.getAll('iss'), [issuer]);
    const evil = Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [
        name,
        typeof value === 'string' ? value.replace(issuer, 'https://evil.example') : value,
      ]),
    );
    const [mixedUp, right] = [evil, metadata].map(
      (server) => new openid.Configuration(server as openid.ServerMetadata, client.id, client.secret),
    ) as [openid.Configuration, openid.Configuration];
    const checks = { pkceCodeVerifier: verifier, expectedState: 'state-1' };
    const saysIssuer = ({ cause }: Error) => /"iss"/.test(String(cause));
    await assert.rejects(openid.authorizationCodeGrant(mixedUp, answer, checks), saysIssuer);
    const without = new URL(answer);
    without.searchParams.delete('iss');
    openid.allowInsecureRequests(right);
    await assert.rejects(openid.authorizationCodeGrant(right, without, checks), saysIssuer);
    assert.ok((await openid.authorizationCodeGrant(right, answer, checks)).access_token);
  },

  'a code that the person has not asked for: another’s request, another’s browser': async (world) => {
    const [person, attacker] = [await signUp(world.api), await signUp(world.api)];
    const client = await registerClient(world);
    // Half of the attacker's request, finished in the victim's browser: the page is not theirs.
    const own = openBrowser(world.stack.urls.frontDoor);
    const page = await own.open(codeRequest(client).path);
    const victim = (await getTokens(world, client, person)).browser;
    const resumed = page.url.searchParams.get('interaction') ?? assert.fail();
    for (const path of [`/signin?interaction=${resumed}`, `/oauth/authorize/${resumed}`]) {
      const shown = await ask(world, path, { as: victim });
      assert.equal(shown.status, 400, path);
      assert.equal(shown.location, undefined, path);
    }
    assert.ok((await agree(own, page, attacker, ['posts:read'])).url.searchParams.get('code'));
  },
};
