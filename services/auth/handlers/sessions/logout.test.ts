import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { isRefused, refused } from '#kit/testing/refused.ts';
import { MAX_SESSIONS_PER_ACCOUNT } from '../../sessions/sessions.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { serveTestPages } from '../../testing/oauth-browser.ts';
import { getTokens, registerClient } from '../../testing/oauth-client.ts';
import type { SignedUp } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ withUser: false });
});
after(() => service.close());

const sessionOf = ({ accessToken }: SignedUp) => String(decodeJwt(accessToken).sid);

/** Whether both tokens are good; when not, both are refused for the one reason that a logout gives. */
async function isSignedIn({ accessToken, refreshToken }: SignedUp): Promise<boolean> {
  const verified = (async () => service.verifier.verifyUser(accessToken))();
  const revoked = await isRefused(verified, 'SESSION_REVOKED');
  assert.equal(await isRefused(service.as().refresh({ refreshToken }), 'REFRESH_TOKEN_INVALID'), revoked);
  return !revoked;
}

test('logout ends this session at once, and tells everybody', async () => {
  const here = await service.signIn();
  const elsewhere = await service.signIn(here.id);
  const before = await service.revocations();
  await service.withToken(here.accessToken).logout({ all: false });
  assert.deepEqual((await service.revocations()).slice(before.length), [
    { sessionId: sessionOf(here), userId: here.id },
  ]);
  assert.equal(await isSignedIn(here), false);
  assert.equal(await isSignedIn(elsewhere), true);
});

test('logout of all ends every session of the account, and of nobody else', async () => {
  const here = await service.signIn();
  const elsewhere = await service.signIn(here.id);
  const somebodyElse = await service.signIn();
  const before = await service.revocations();
  await service.withToken(here.accessToken).logout({ all: true });
  const revoked = (await service.revocations()).slice(before.length);
  assert.deepEqual(new Set(revoked.map(({ sessionId }) => sessionId)), new Set([here, elsewhere].map(sessionOf)));
  assert.deepEqual(
    [await isSignedIn(here), await isSignedIn(elsewhere), await isSignedIn(somebodyElse)],
    [false, false, true],
  );
  // One may sign in again.
  assert.equal(await isSignedIn(await service.signIn(here.id)), true);
});

test('logout of all leaves API keys and what apps may do while the person is away: they have lists of their own', async () => {
  const here = await service.signIn();
  const { secret } = await service.apiKeys(here.accessToken).createApiKey({ name: 'bot', scopes: ['feed:read'] });
  serveTestPages(service);
  const client = await registerClient(service);
  const lasting = await getTokens(service, client, { accountId: here.id });
  const ofBrowser = await getTokens(
    service,
    client,
    { accountId: here.id },
    { scope: 'openid posts:read', prompt: undefined },
  );
  await service.withToken(here.accessToken).logout({ all: true });
  const exchange = async (headers: Record<string, string>) =>
    (await fetch(`${service.httpUrl}/internal/exchange`, { headers })).status;
  assert.equal(await exchange({ 'x-api-key': secret }), 200);
  assert.equal(await exchange({ authorization: `Bearer ${lasting.access_token}` }), 200);
  assert.equal(await exchange({ authorization: `Bearer ${ofBrowser.access_token}` }), 401);
});

test('without a token, or after logout, there is nobody to sign out', async () => {
  await assert.rejects(service.as().logout({ all: false }), refused('TOKEN_MISSING'));
  const { accessToken } = await service.signIn();
  await service.withToken(accessToken).logout({ all: false });
  await assert.rejects(service.withToken(accessToken).logout({ all: false }), refused('SESSION_REVOKED'));
});

test('the sessions of an account are bounded: one more ends the one that was unused for longest', async () => {
  const first = await service.signIn();
  service.clock.advance(1);
  const second = await service.signIn(first.id);
  service.clock.advance(1);
  for (let number = 2; number < MAX_SESSIONS_PER_ACCOUNT; number += 1) await service.signIn(first.id);
  assert.equal(service.denyList.isDenied(sessionOf(first)), false);
  service.clock.advance(1);
  const last = await service.signIn(first.id);
  assert.deepEqual([await isSignedIn(first), await isSignedIn(second), await isSignedIn(last)], [false, true, true]);
  assert.equal((await service.revocations()).at(-1)?.sessionId, sessionOf(first));
});
