import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { ErrorInfo } from '#gen/google/rpc/error_details.ts';
import { Status } from '#gen/google/rpc/status.ts';
import { HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { authorize, openTestBrowser, serveTestPages } from '../testing/oauth-browser.ts';
import { postAs, registerClient, type TestClient, token } from '../testing/oauth-client.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
  serveTestPages(service);
});
after(() => service.close());

/** The access token that a new person grants to a new client, for reading posts. */
async function grantedToken(): Promise<{ accountId: string; client: TestClient; opaque: string }> {
  const { id: accountId } = await service.signUp();
  const client = await registerClient(service);
  const verifier = randomBytes(32).toString('base64url');
  const scope = 'openid profile posts:read';
  const query = new URLSearchParams({
    ...{ response_type: 'code', client_id: client.id, redirect_uri: client.redirectUri, scope, state: 's' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
  });
  const { location } = await authorize(openTestBrowser(service), `/oauth/authorize?${query}`, {
    accountId,
    scopes: scope,
  });
  const issued = await token(service, client, {
    ...{ grant_type: 'authorization_code', code: location?.searchParams.get('code') ?? '', code_verifier: verifier },
    redirect_uri: client.redirectUri,
  });
  return { accountId, client, opaque: issued.json<{ access_token: string }>().access_token };
}

/** The JWT that the front door is given for the token, or why it is not. */
async function exchanged(opaque: string): Promise<{ jwt: string; reason: string | null }> {
  const headers = { authorization: `Bearer ${opaque}` };
  const response = await fetch(`${service.httpUrl}/internal/exchange`, { headers });
  const jwt = (response.headers.get('authorization') ?? '').replace('Bearer ', '');
  const reason = response.headers.get('x-oxo-reason');
  if (reason !== null) assert.equal(reasonIn(response.headers.get('x-oxo-details') ?? ''), reason);
  return { jwt, reason };
}

test('the token of a client is exchanged for one that every service verifies, with the scopes that were granted', async () => {
  const { accountId, client, opaque } = await grantedToken();
  const { jwt } = await exchanged(opaque);
  const { sub, client_id: clientId, scope, exp = 0, iat = 0, aud } = decodeJwt(jwt);
  assert.deepEqual([sub, clientId, scope, aud], [accountId, client.id, 'posts:read', 'oxo-api']);
  assert.ok(exp - iat <= 300);
  const caller = await service.verifier.verifyUser(jwt);
  assert.deepEqual([caller.userId, [...caller.scopes]], [accountId, ['posts:read']]);
  assert.equal((await exchanged(opaque)).jwt, jwt, 'it is given out again');
});

test('with the grant, neither the token nor what it was exchanged for is worth anything', async () => {
  const { client, opaque } = await grantedToken();
  const { jwt } = await exchanged(opaque);
  assert.equal((await postAs(service, client, '/oauth/revoke', { token: opaque })).status, 200);
  assert.equal((await exchanged(opaque)).reason, 'TOKEN_INVALID');
  await assert.rejects(async () => service.verifier.verifyUser(jwt), refused('SESSION_REVOKED'));
});

test('with the account it ends as well, and by itself after an hour', async () => {
  const [gone, old] = [await grantedToken(), await grantedToken()];
  const { jwt } = await exchanged(gone.opaque);
  await service.internal('user').disableAccount({ userId: gone.accountId });
  assert.equal((await exchanged(gone.opaque)).reason, 'TOKEN_INVALID');
  await assert.rejects(async () => service.verifier.verifyUser(jwt), refused('SESSION_REVOKED'));
  service.clock.advance(HOUR_MS - MINUTE_MS);
  const { exp = 0 } = decodeJwt((await exchanged(old.opaque)).jwt);
  assert.ok(exp * 1_000 <= service.clock.nowMs() + MINUTE_MS, 'no longer than the token lives');
  service.clock.advance(MINUTE_MS);
  assert.equal((await exchanged(old.opaque)).reason, 'TOKEN_INVALID');
});

/** What a client of gRPC reads of a refusal. */
function reasonIn(details: string): string {
  const { details: packed } = Status.decode(Buffer.from(details, 'base64'));
  return ErrorInfo.decode(packed[0]?.value ?? Buffer.of()).reason;
}
