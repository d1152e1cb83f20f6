import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { openBrowser } from '../testing/browser.ts';
import type { Cases } from '../testing/cases.ts';
import { agree, callback } from '../testing/oauth.ts';
import { type Person, signUp } from '../testing/people.ts';
import type { World } from '../testing/world.ts';

const afterSignOut = 'https://app.example/signed-out';
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const insecure = { execute: [client.allowInsecureRequests] };

/** A client that somebody has written with an off-the-shelf library: it knows the address, and finds all else. */
function register({ stack }: World, metadata: Partial<client.ClientMetadata> = {}): Promise<client.Configuration> {
  const wanted = {
    client_name: 'Reader',
    redirect_uris: [callback],
    post_logout_redirect_uris: [afterSignOut],
    grant_types: ['authorization_code', 'refresh_token'],
    ...metadata,
  };
  return client.dynamicClientRegistration(new URL(stack.urls.frontDoor), wanted, undefined, insecure);
}

/** Tokens by the authorization code. @param granted of the scopes that are asked for */
async function authorize(
  world: World,
  config: client.Configuration,
  person: Person,
  { scope, granted = scope.split(' ') }: { scope: string; granted?: string[] },
) {
  const browser = openBrowser(world.stack.urls.frontDoor);
  const verifier = client.randomPKCECodeVerifier();
  const checks = { expectedState: client.randomState(), expectedNonce: client.randomNonce() };
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope,
    prompt: 'consent',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  });
  const answer = await agree(browser, await browser.open(address), person, granted);
  assert.equal(answer.url.origin + answer.url.pathname, callback, answer.body);
  const tokens = await client.authorizationCodeGrant(config, answer.url, {
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
    ...checks,
  });
  return { browser, tokens };
}

/** OAuth and OpenID Connect, as a client of `openid-client` uses them. */
export const oauth: Cases = {
  'a client finds its way, registers, and gets tokens for what a person has granted': async (world) => {
    const person = await signUp(world.api);
    const config = await register(world);
    const metadata = config.serverMetadata();
    assert.equal(metadata.issuer, world.stack.urls.frontDoor);
    assert.equal(metadata.authorization_response_iss_parameter_supported, true);
    const scope = 'openid profile email posts:read feed:read offline_access';
    const granted = ['profile', 'posts:read', 'offline_access'];
    const { tokens } = await authorize(world, config, person, { scope, granted });
    assert.deepEqual(tokens.scope?.split(' ').sort(), ['offline_access', 'openid', 'posts:read', 'profile']);
    assert.equal(tokens.claims()?.sub, person.id);
    const info = await client.fetchUserInfo(config, tokens.access_token, person.id);
    assert.deepEqual([info.name, info.preferred_username, info.email], [person.displayName, person.handle, undefined]);

    const introspected = await client.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([introspected.active, introspected.sub, introspected.scope], [true, person.id, tokens.scope]);

    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? assert.fail());
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
    assert.equal(refreshed.claims()?.sub, person.id);

    // What the person has unticked, and no token of ours, as the library knows them.
    const feed = new URL('/api/v1/feed', world.stack.urls.frontDoor);
    for (const [token, status] of [[refreshed.access_token, 403] as const, ['none', 401] as const]) {
      const asked = client.fetchProtectedResource(config, token, feed, 'GET');
      await assert.rejects(asked, { code: 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', status });
    }

    await client.tokenRevocation(config, refreshed.refresh_token ?? assert.fail());
    for (const token of [tokens.access_token, refreshed.access_token]) {
      assert.equal((await client.tokenIntrospection(config, token)).active, false);
      await assert.rejects(client.fetchUserInfo(config, token, person.id));
    }
    const again = client.refreshTokenGrant(config, refreshed.refresh_token ?? '');
    await assert.rejects(again, { error: 'invalid_grant' });
  },

  'a client that can keep no secret does the same': async (world) => {
    const person = await signUp(world.api);
    const config = await register(world, { token_endpoint_auth_method: 'none' });
    const { tokens } = await authorize(world, config, person, { scope: 'openid posts:read offline_access' });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? assert.fail());
    assert.equal((await client.fetchUserInfo(config, refreshed.access_token, person.id)).sub, person.id);
  },

  'a client acts for itself': async (world) => {
    const own = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
    const config = await register(world, own);
    const tokens = await client.clientCredentialsGrant(config, { scope: 'posts:read' });
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).scope, 'posts:read');
    for (const scope of ['posts:read admin', 'openid', 'posts:read feed:write']) {
      await assert.rejects(client.clientCredentialsGrant(config, { scope }), { error: 'invalid_scope' }, scope);
    }
  },

  'a device gets tokens when a person has typed its code': async (world) => {
    const person = await signUp(world.api);
    const config = await register(world, {
      ...{ token_endpoint_auth_method: 'none', redirect_uris: [], response_types: [], post_logout_redirect_uris: [] },
      grant_types: [deviceGrant, 'refresh_token'],
    });
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid posts:read offline_access' });
    const browser = openBrowser(world.stack.urls.frontDoor);
    const asked = await browser.submit(await browser.open(device.verification_uri), { user_code: device.user_code });
    const confirmed = await browser.submit(asked, {}, 'Yes');
    const done = await agree(browser, confirmed, person, ['posts:read', 'offline_access']);
    assert.equal(done.status, 200);
    assert.match(done.body, /The device is connected/);
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 });
    assert.equal(tokens.claims()?.sub, person.id);
    assert.ok(tokens.refresh_token);
  },

  'who signs out at a client is signed out in the browser': async (world) => {
    const person = await signUp(world.api);
    const config = await register(world);
    const { browser, tokens } = await authorize(world, config, person, { scope: 'openid posts:read' });
    const address = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? assert.fail(),
      post_logout_redirect_uri: afterSignOut,
      state: 'bye',
    });
    const left = await browser.submit(await browser.open(address), {}, 'Sign out');
    assert.equal(left.url.href, `${afterSignOut}?state=bye`);
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
    const again = client.buildAuthorizationUrl(config, {
      ...{ redirect_uri: callback, scope: 'openid', prompt: 'none' },
      ...{ code_challenge: await client.calculatePKCECodeChallenge('a'.repeat(43)), code_challenge_method: 'S256' },
    });
    assert.equal((await browser.open(again)).url.searchParams.get('error'), 'login_required');
  },
};
