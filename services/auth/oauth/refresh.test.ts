import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import type { TestAuthService } from '../testing/auth-service.ts';
import {
  errorOf,
  getTokens,
  registerClient,
  scopesOf,
  type TestClient,
  type TestTokens,
  token,
} from '../testing/oauth-client.ts';
import { startOAuthService } from '../testing/oauth-service.ts';
import { REFRESH_GRACE_MS } from './lifetimes.ts';

let service: TestAuthService;
let client: TestClient;
before(async () => {
  ({ service, client } = await startOAuthService());
});
after(() => service.close());

async function begin(as = client): Promise<TestTokens> {
  const { id: accountId } = await service.signIn();
  return getTokens(service, as, { accountId });
}

const refresh = (refreshToken: string, as = client, more: Record<string, string> = {}) =>
  token(service, as, { grant_type: 'refresh_token', refresh_token: refreshToken, ...more });

async function refreshed(refreshToken: string, as = client): Promise<TestTokens> {
  const answer = await refresh(refreshToken, as);
  assert.equal(answer.status, 200, answer.body);
  return answer.json<TestTokens>();
}

/** The one entry of the audit log about what happened to a grant. */
async function auditOf(action: string, grantId: string | undefined) {
  const entries = await service.db.query<Record<string, unknown>>(
    {
      name: 'test-audit',
      text: `select account_id, actor_kind, client_id, outcome, details from audit.log where action = $1 and session_id = $2`,
    },
    [action, grantId],
  );
  assert.equal(entries.length, 1);
  return entries[0];
}

const isFound = async ({ access_token }: TestTokens) =>
  (await service.oauth.findAccessToken(access_token)) !== undefined;

test('a refresh token is exchanged for another one, and both access tokens are good', async () => {
  const one = await begin();
  const two = await refreshed(one.refresh_token);
  assert.notEqual(two.refresh_token, one.refresh_token);
  assert.notEqual(two.access_token, one.access_token);
  for (const { scope } of [one, two]) assert.deepEqual(scopesOf(scope), ['offline_access', 'openid', 'posts:read']);
  const found = await Promise.all([one, two].map(({ access_token }) => service.oauth.findAccessToken(access_token)));
  assert.equal(found[0]?.grantId, found[1]?.grantId);
  assert.ok(found[0]?.grantId);
});

test('one that was consumed moments ago gives its successor once more, as for two tabs or an answer that was lost', async () => {
  const one = await begin();
  const two = await refreshed(one.refresh_token);
  service.clock.advance(REFRESH_GRACE_MS - 1_000);
  const again = await refreshed(one.refresh_token);
  assert.equal(again.refresh_token, two.refresh_token);
  assert.notEqual(again.access_token, two.access_token);
  const [three, threeAgain] = [await refreshed(two.refresh_token), await refreshed(again.refresh_token)];
  assert.equal(threeAgain.refresh_token, three.refresh_token);
  for (const tokens of [two, again, three, threeAgain]) assert.ok(await isFound(tokens));
});

test('two who bring one at the same time get the same successor', async () => {
  for (let time = 0; time < 5; time += 1) {
    const one = await begin();
    const [two, again] = await Promise.all([refreshed(one.refresh_token), refreshed(one.refresh_token)]);
    assert.equal(again.refresh_token, two.refresh_token);
    assert.ok(await isFound(await refreshed(two.refresh_token)));
  }
});

test('whoever holds a copy never goes on beside its owner: there is one successor, and one use more of it is noticed', async () => {
  const one = await begin();
  await refreshed(one.refresh_token);
  const stolen = await refreshed(one.refresh_token);
  assert.equal(errorOf(await refresh(one.refresh_token)), 'invalid_grant');
  assert.equal(errorOf(await refresh(stolen.refresh_token)), 'invalid_grant');
  for (const tokens of [one, stolen]) assert.ok(!(await isFound(tokens)));
});

test('when its successor has been used, one is of the past also within its grace', async () => {
  const one = await begin();
  const two = await refreshed(one.refresh_token);
  const three = await refreshed(two.refresh_token);
  assert.equal(errorOf(await refresh(one.refresh_token)), 'invalid_grant');
  for (const tokens of [one, two, three]) assert.ok(!(await isFound(tokens)));
});

test('of many who bring one at once, at most two get an answer, and what they get is one', async () => {
  const one = await begin();
  const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(one.refresh_token)));
  const given = answers.filter(({ status }) => status === 200).map((answer) => answer.json<TestTokens>());
  assert.ok(given.length <= 2, String(given.length));
  assert.ok(new Set(given.map(({ refresh_token }) => refresh_token)).size <= 1);
  for (const tokens of [one, ...given]) assert.ok(!(await isFound(tokens)));
});

test('one that was consumed before ends everything that came of the same grant', async () => {
  const one = await begin();
  const two = await refreshed(one.refresh_token);
  const { grantId, accountId } = (await service.oauth.findAccessToken(two.access_token)) ?? assert.fail();
  service.clock.advance(REFRESH_GRACE_MS);
  assert.equal(errorOf(await refresh(one.refresh_token)), 'invalid_grant');
  for (const tokens of [one, two]) assert.ok(!(await isFound(tokens)));
  assert.equal(errorOf(await refresh(two.refresh_token)), 'invalid_grant');
  assert.deepEqual((await service.revocations()).at(-1), { sessionId: grantId, userId: accountId });
  const {
    actor_kind: actorKind,
    client_id: clientId,
    ...entry
  } = (await auditOf('REUSE_REFRESH_TOKEN', grantId)) ?? {};
  assert.deepEqual([actorKind, clientId], ['NOBODY', client.id]);
  assert.deepEqual(entry, { account_id: accountId, outcome: 'REFUSED', details: {} });
});

test('the grace begins with the first use, and is not prolonged by others', async () => {
  const one = await begin();
  await refreshed(one.refresh_token);
  service.clock.advance(REFRESH_GRACE_MS - 1_000);
  await refreshed(one.refresh_token);
  service.clock.advance(1_000);
  assert.equal(errorOf(await refresh(one.refresh_token)), 'invalid_grant');
});

test('when many bring one at once after its grace, none gets through', async () => {
  const one = await begin();
  await refreshed(one.refresh_token);
  service.clock.advance(REFRESH_GRACE_MS);
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(one.refresh_token)));
  assert.deepEqual([...new Set(answers.map(errorOf))], ['invalid_grant']);
  assert.ok(!(await isFound(one)));
});

test('another client can do nothing with it, and does not end it', async () => {
  const one = await begin();
  const other = await registerClient(service);
  assert.equal(errorOf(await refresh(one.refresh_token, other)), 'invalid_grant');
  assert.equal(errorOf(await refresh(one.refresh_token, { ...client, secret: other.secret })), 'invalid_client');
  await refreshed(one.refresh_token);
});

test('a refresh asks for less, and never for more than was granted', async () => {
  const one = await begin();
  const less = (await refresh(one.refresh_token, client, { scope: 'posts:read' })).json<TestTokens>();
  assert.equal(less.scope, 'posts:read');
  for (const scope of ['posts:read posts:write', 'admin', 'openid profile', 'posts:read admin']) {
    assert.equal(errorOf(await refresh(less.refresh_token, client, { scope })), 'invalid_scope');
  }
  const { scope: whole } = await refreshed(less.refresh_token);
  assert.deepEqual(scopesOf(whole), ['offline_access', 'openid', 'posts:read']);
});

test('a client that keeps no secret gets them too, each for one use', async () => {
  const spa = await registerClient(service, { token_endpoint_auth_method: 'none' });
  assert.equal(spa.secret, undefined);
  const one = await begin(spa);
  const two = await refreshed(one.refresh_token, spa);
  service.clock.advance(REFRESH_GRACE_MS);
  assert.equal(errorOf(await refresh(one.refresh_token, spa)), 'invalid_grant');
  assert.ok(!(await isFound(two)));
});

test('without offline_access there is none, and the access token ends with the session of the browser', async () => {
  const { id: accountId } = await service.signIn();
  const tokens = await getTokens(service, client, { accountId }, { scope: 'openid posts:read' });
  assert.equal(tokens.refresh_token, undefined);
  assert.ok(await isFound(tokens));
  const deleteSession = {
    name: 'test-end',
    text: "delete from oauth_artifacts where kind = 'Session' and account_id = $1",
  };
  await service.db.query(deleteSession, [accountId]);
  assert.ok(!(await isFound(tokens)));
});

test('one that nobody uses for a month is worth nothing', async () => {
  const one = await begin();
  service.clock.advance(30 * DAY_MS + 1_000);
  assert.equal(errorOf(await refresh(one.refresh_token)), 'invalid_grant');
  assert.ok(!(await isFound(one)));
});

test('an account that ends takes its tokens along', async () => {
  const one = await begin();
  const { accountId } = (await service.oauth.findAccessToken(one.access_token)) ?? assert.fail();
  await service.internal('user').disableAccount({ userId: accountId });
  assert.ok(!(await isFound(one)));
  assert.equal(errorOf(await refresh(one.refresh_token)), 'invalid_grant');
});
