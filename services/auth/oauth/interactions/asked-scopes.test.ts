import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { policyOf } from '../../html/policy.ts';
import type { TestAuthService } from '../../testing/auth-service.ts';
import { authorize, goOn, openTestBrowser, type TestAnswer } from '../../testing/oauth-browser.ts';
import {
  authorizationRequest,
  errorOf,
  getTokens,
  postAs,
  redeem,
  registerClient,
  scopesOf,
  type TestTokens,
  token,
} from '../../testing/oauth-client.ts';
import { startOAuthService } from '../../testing/oauth-service.ts';
import { DEVICE_GRANT } from '../clients/client-metadata.ts';

let service: TestAuthService;
let accountId: string;
before(async () => {
  ({ service, accountId } = await startOAuthService());
});
after(() => service.close());

const scope = 'openid posts:read offline_access';

test('an app that asks for offline_access gets a refresh token, whether it says prompt=consent or not', async () => {
  const client = await registerClient(service, { grant_types: undefined });
  for (const prompt of [undefined, 'login', 'consent', '']) {
    const tokens = await getTokens(service, client, { accountId }, { scope, prompt });
    assert.deepEqual(scopesOf(tokens.scope), ['offline_access', 'openid', 'posts:read'], prompt);
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    assert.equal((await token(service, client, form)).status, 200, prompt);
  }
});

test('who has agreed to it is not asked again; who has not is, and where nobody may be asked there is no refresh token', async () => {
  const client = await registerClient(service);
  const browser = openTestBrowser(service);
  const request = (changes: Record<string, string | undefined>) => authorizationRequest(client, { scope, ...changes });
  const tokensOf = async ({ location }: TestAnswer, verifier: string) => {
    const code = location?.searchParams.get('code') ?? assert.fail(location?.href);
    return (await token(service, client, redeem(client, { code, verifier }))).json<TestTokens>();
  };
  const first = request({ scope: 'openid posts:read', prompt: undefined });
  await authorize(browser, first.address, { accountId, scopes: 'openid posts:read' });
  const asked = await browser.fetch(request({ prompt: undefined }).address);
  assert.equal(asked.location?.pathname, '/consent');
  await goOn(browser, asked, { accountId, scopes: scope });
  const again = request({ prompt: undefined });
  assert.ok((await tokensOf(await browser.fetch(again.address), again.verifier)).refresh_token);
  const silent = request({ prompt: 'none' });
  const { scope: got, refresh_token } = await tokensOf(await browser.fetch(silent.address), silent.verifier);
  assert.deepEqual([got, refresh_token], ['openid posts:read', undefined]);
});

test('what is asked for in vain is told, by name', async () => {
  const client = await registerClient(service, { grant_types: ['authorization_code'] });
  const wrong: [string, string, RegExp][] = [
    ['openid feed:write', 'feed:write', /^there is no scope feed:write; there are: openid .*feed:read/],
    ['media:write', 'media:write', /^there is no scope media:write;/],
    ['openid admin', 'admin', /^there is no scope admin;/],
    ['openid <b>', '?', /^there is no scope \?;/],
    [scope, 'offline_access', /needs the grant refresh_token/],
  ];
  for (const [asked, name, description] of wrong) {
    const { address } = authorizationRequest(client, { scope: asked, prompt: undefined });
    const { location } = await openTestBrowser(service).fetch(address);
    assert.equal(location?.origin, 'https://app.example', asked);
    const { searchParams: told } = location;
    assert.deepEqual([told.get('error'), told.get('scope'), told.get('state')], ['invalid_scope', name, 'state-1']);
    assert.match(told.get('error_description') ?? '', description);
  }
});

test('a device and a program of its own are told so too', async () => {
  const grant_types = [DEVICE_GRANT, 'client_credentials'];
  const client = await registerClient(service, { grant_types, redirect_uris: undefined });
  for (const asked of ['posts:read feed:write', 'posts:read offline_access']) {
    const answer = await postAs(service, client, '/oauth/device', { scope: asked });
    assert.equal(errorOf(answer), 'invalid_scope');
    assert.match(answer.body, asked.endsWith('offline_access') ? /refresh_token/ : /no scope feed:write/);
  }
  assert.equal((await postAs(service, client, '/oauth/device', { scope: 'posts:read' })).status, 200);
  const answer = await token(service, client, { grant_type: 'client_credentials', scope: 'posts:read feed:write' });
  assert.equal(errorOf(answer), 'invalid_scope');
});

test('an app with a scheme of its own gets its code there', async () => {
  const metadata = { redirect_uris: ['com.example.app:/cb'], application_type: 'native' };
  const client = await registerClient(service, { ...metadata, token_endpoint_auth_method: 'none' });
  const { address, verifier } = authorizationRequest(client);
  const answer = await authorize(openTestBrowser(service), address, { accountId, scopes: scope });
  const location = answer.location ?? assert.fail(answer.body);
  assert.equal(location.href.split('?')[0], client.redirectUri);
  const code = location.searchParams.get('code') ?? assert.fail(location.href);
  const form = { grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, code_verifier: verifier };
  const tokens = await token(service, client, form);
  assert.equal(tokens.status, 200, tokens.body);
  for (const origin of ['null', 'com.example.app:']) {
    const crossed = await postAs(service, client, '/oauth/token', form, { origin });
    assert.notEqual(crossed.headers['access-control-allow-origin'], 'null', origin);
  }
  assert.match(policyOf({ formLeadsTo: ['com.example.app:'] }), /form-action 'self' com\.example\.app:$/);
  for (const other of ['javascript:', 'data:', 'com.example.app: *', 'com.example.app:/x']) {
    assert.match(policyOf({ formLeadsTo: [other] }), /form-action 'self'$/, other);
  }
});
