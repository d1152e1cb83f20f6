import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { isRefused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { serveTestPages } from '../testing/oauth-browser.ts';
import { getTokens, registerClient, type TestClient, token } from '../testing/oauth-client.ts';
import type { SignedUp } from '../testing/signers.ts';
import { endEverything } from './end-everything.ts';

let service: TestAuthService;
let client: TestClient;
before(async () => {
  service = await startAuthService();
  serveTestPages(service);
  client = await registerClient(service);
});
after(() => service.close());

const CONTEXT = { requestId: 'test' };
const endAllOf = (accountId: string, keptSessionId?: string) =>
  service.revoking.everywhere((tx) => endEverything(tx, accountId, keptSessionId), CONTEXT);

/** Every kind of credential that a person has, and the tokens that services have been shown for them. */
async function everythingOf(person: SignedUp) {
  const app = await getTokens(service, client, { accountId: person.id });
  const { apiKey, secret } = await service
    .apiKeys(person.accessToken)
    .createApiKey({ name: 'k', scopes: ['feed:read'] });
  const second = await service.apiKeys(person.accessToken).rotateApiKey({ id: apiKey?.id ?? '' });
  const elsewhere = await service.signIn(person.id);
  const shown = { app: `Bearer ${app.access_token}`, key: secret, rotated: second.secret };
  const exchanged = await Promise.all(Object.values(shown).map(exchange));
  return { app, elsewhere, shown, jwts: [person.accessToken, elsewhere.accessToken, ...exchanged.map(String)] };
}

/** The token that the credential is exchanged for; undefined when it is refused. */
async function exchange(credential: string): Promise<string | undefined> {
  const headers: Record<string, string> = credential.startsWith('Bearer')
    ? { authorization: credential }
    : { 'x-api-key': credential };
  const response = await fetch(`${service.httpUrl}/internal/exchange`, { headers });
  return response.headers.get('authorization')?.replace('Bearer ', '');
}

const rowsOf = async (accountId: string) => {
  const tables = ['sessions', 'api_keys', 'oauth_grants', 'oauth_artifacts', 'consents'];
  const text = tables
    .map((table) => `select '${table}' as name from ${table} where account_id = $1`)
    .join(' union all ');
  return service.db.query<{ name: string }>({ name: 'test-rows', text }, [accountId]);
};

test('everything by which somebody could act for an account ends at once, with what it was exchanged for', async () => {
  const [person, other] = [await service.signUp(), await service.signUp()];
  const [mine, others] = [await everythingOf(person), await everythingOf(other)];
  const { counts } = await endAllOf(person.id);
  assert.deepEqual(counts, { sessions: 3, grants: 1, apiKeys: 1 });
  for (const jwt of mine.jwts)
    assert.equal(await isRefused((async () => service.verifier.verifyUser(jwt))(), 'SESSION_REVOKED'), true);
  for (const credential of Object.values(mine.shown)) assert.equal(await exchange(credential), undefined);
  const refresh = { grant_type: 'refresh_token', refresh_token: mine.app.refresh_token };
  assert.equal((await token(service, client, refresh)).status, 400);
  assert.deepEqual(await rowsOf(person.id), []);

  for (const jwt of others.jwts) await service.verifier.verifyUser(jwt);
  for (const credential of Object.values(others.shown)) assert.ok(await exchange(credential));
  await service.verifier.verifyUser((await service.signIn(person.id)).accessToken);
});

test('the session of who does it can go on', async () => {
  const person = await service.signUp();
  const { elsewhere, shown } = await everythingOf(person);
  await endAllOf(person.id, String(decodeJwt(person.accessToken).sid));
  await service.verifier.verifyUser(person.accessToken);
  assert.equal((await service.as().refresh({ refreshToken: person.refreshToken })).tokens !== undefined, true);
  assert.equal(
    await isRefused(service.as().refresh({ refreshToken: elsewhere.refreshToken }), 'REFRESH_TOKEN_INVALID'),
    true,
  );
  for (const credential of Object.values(shown)) assert.equal(await exchange(credential), undefined);
});

test('a secret that a rotation is making is not left behind, nor a sign-in that has begun', async () => {
  const person = await service.signUp();
  const { id = '' } =
    (await service.apiKeys(person.accessToken).createApiKey({ name: 'k', scopes: ['feed:read'] })).apiKey ?? {};
  const [{ secret }, late] = await Promise.all([
    service
      .apiKeys(person.accessToken)
      .rotateApiKey({ id })
      .catch(() => ({ secret: '' })),
    service.signIn(person.id),
    endAllOf(person.id),
  ]);
  // Each came before, and ended with the others, or after: a sign-in is then another, and the key is not there any more.
  if (secret !== '') assert.equal(await exchange(secret), undefined);
  const left = await rowsOf(person.id);
  const isIn = await service
    .as()
    .refresh({ refreshToken: late.refreshToken })
    .then(
      () => true,
      () => false,
    );
  assert.deepEqual(left, isIn ? [{ name: 'sessions' }] : []);
});
