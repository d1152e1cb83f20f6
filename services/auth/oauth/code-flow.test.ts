import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { authorize, openTestBrowser, serveTestPages } from '../testing/oauth-browser.ts';
import { registerClient, token } from '../testing/oauth-client.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
  serveTestPages(service);
});
after(() => service.close());

test('a person signs in, consents, and the client gets tokens that stand for the person', async () => {
  const { id: accountId } = await service.signUp();
  const client = await registerClient(service);
  const browser = openTestBrowser(service);
  const verifier = randomBytes(32).toString('base64url');
  const scope = 'openid profile email posts:read feed:read';
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, scope, state: 's1' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
  });
  const answer = await authorize(browser, `/oauth/authorize?${query}`, {
    accountId,
    scopes: 'openid profile posts:read',
  });
  const { searchParams, origin, pathname } = answer.location ?? assert.fail(answer.body);
  assert.equal(origin + pathname, client.redirectUri);
  assert.deepEqual([searchParams.get('state'), searchParams.get('iss')], ['s1', 'http://oxo.test']);
  const code = searchParams.get('code') ?? assert.fail(answer.location?.href);

  const issued = await token(service, client, {
    ...{ grant_type: 'authorization_code', code, redirect_uri: client.redirectUri, code_verifier: verifier },
  });
  assert.equal(issued.status, 200, issued.body);
  const tokens = issued.json<Record<string, string>>();
  assert.equal(tokens.scope, 'openid profile posts:read');
  const found = await service.oauth.findAccessToken(tokens.access_token ?? '');
  assert.deepEqual(
    { ...found, grantId: undefined, expiresAtMs: undefined },
    { accountId, clientId: client.id, scopes: ['posts:read'], grantId: undefined, expiresAtMs: undefined },
  );
});
