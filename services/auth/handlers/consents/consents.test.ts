import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { MAX_CONSENTS_PER_ACCOUNT } from '../../consents/consents.ts';
import { LIST_CONSENTS } from '../../consents/listing.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { openTestBrowser, type TestBrowser } from '../../testing/oauth-browser.ts';
import { registerClient, type TestClient, token } from '../../testing/oauth-client.ts';
import { allowAt, open, requestOf, scopesAt, signInAt, submit, tokensFor } from '../../testing/pages.ts';
import type { SignedUp } from '../../testing/signers.ts';

const SCOPE = 'openid posts:read posts:write';
let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const context = { requestId: 'test' };
/** As this person, who signs in anew: tokens end while a test lets days go by. */
const consentsOf = async ({ id }: SignedUp) => service.consentsWith((await service.signIn(id)).accessToken);
const listOf = async (person: SignedUp) => (await (await consentsOf(person)).listConsents({})).consents;
const revoke = async (person: SignedUp, clientId: string) => (await consentsOf(person)).revokeConsent({ clientId });
const rowsOf = async (accountId: string) => {
  const text = `select 'consent' as kind from consents where account_id = $1 union all
    select 'grant' from oauth_grants where account_id = $1 union all
    select 'artifact' from oauth_artifacts where account_id = $1`;
  return (await service.db.query({ name: 'test-rows-of-account', text }, [accountId])).length;
};

/** Signs in in a new browser and allows all but what is unticked. */
async function connect(person: SignedUp, client: TestClient, options: { scope?: string; unticked?: string[] } = {}) {
  const { scope = SCOPE, unticked = [] } = options;
  // Web clients are given what lasts only when they have the person asked.
  const more: Record<string, string> = scope.includes('offline_access') ? { prompt: 'consent' } : {};
  const [browser, request] = [openTestBrowser(service), requestOf(client, scope, more)];
  const consent = await signInAt(browser, await open(browser, request.address), person.handle);
  const tokens = await tokensFor(service, client, request, await allowAt(browser, consent, unticked));
  const { grantId = '' } = (await service.oauth.findAccessToken(tokens.access_token)) ?? {};
  return { browser, tokens, grantId };
}

/** What a browser is asked for; nothing when it is led on to the client. */
async function askedOf(browser: TestBrowser, client: TestClient, scope = SCOPE, more: Record<string, string> = {}) {
  const page = await open(browser, requestOf(client, scope, more).address);
  if (page.location !== undefined) return page.location.searchParams.get('error') ?? 'nothing';
  return /<h1>Sign in</.test(page.body) ? 'sign-in' : scopesAt(page).join(' ');
}

const refresh = (client: TestClient, refreshToken: string) =>
  token(service, client, { grant_type: 'refresh_token', refresh_token: refreshToken });

test('a person is asked once for a client and its scopes, and again when it wants more', async () => {
  const [person, client] = [await service.signUp(), await registerClient(service)];
  const { browser, grantId } = await connect(person, client, { unticked: ['posts:write'] });
  assert.equal(await askedOf(browser, client), 'nothing');
  assert.equal(await askedOf(browser, client, SCOPE, { prompt: 'none' }), 'nothing');
  assert.equal(await askedOf(browser, client, 'openid posts:read'), 'nothing');

  // Another browser has to sign in, is not asked, and has a grant of its own; what was unticked stays away.
  const [other, request] = [openTestBrowser(service), requestOf(client, SCOPE)];
  const answer = await signInAt(other, await open(other, request.address), person.handle);
  const tokens = await tokensFor(service, client, request, answer);
  assert.equal(tokens.scope, 'openid posts:read');
  const found = await service.oauth.findAccessToken(tokens.access_token);
  assert.ok(found?.grantId !== undefined && found.grantId !== grantId);

  assert.equal(await askedOf(other, client, `${SCOPE} feed:read`), `${SCOPE} feed:read`);
  assert.equal(await askedOf(other, client, `${SCOPE} feed:read`, { prompt: 'none' }), 'consent_required');
  assert.equal(await askedOf(other, client, SCOPE, { prompt: 'consent' }), SCOPE);
  assert.equal(await askedOf(browser, await registerClient(service)), SCOPE);
  service.clock.advance(366 * DAY_MS);
  const late = openTestBrowser(service);
  assert.equal(await askedOf(late, client), 'sign-in');
  const page = await signInAt(late, await open(late, requestOf(client, SCOPE).address), person.handle);
  assert.deepEqual(scopesAt(page), SCOPE.split(' '));
});

test('the person of an app that others on the machine may pretend to be is always asked', async () => {
  const [person, redirect_uris] = [await service.signUp(), ['http://127.0.0.1/cb']];
  const client = await registerClient(service, { application_type: 'native', redirect_uris });
  const { browser } = await connect(person, client);
  assert.equal(await askedOf(browser, client), SCOPE);
});

test('one sees what one has allowed, and nobody else does', async () => {
  const [person, other] = [await service.signUp(), await service.signUp()];
  const startedAtMs = service.clock.nowMs();
  const uri = 'https://app.example/about';
  const first = await registerClient(service, { client_name: 'First', client_uri: uri });
  const { browser } = await connect(person, first, { unticked: ['posts:write'] });
  service.clock.advance(DAY_MS);
  await connect(person, await registerClient(service, { client_name: 'Second' }), { scope: 'posts:read' });
  service.clock.advance(DAY_MS);
  const more = await open(browser, requestOf(first, 'openid posts:read feed:read').address);
  await allowAt(browser, more, ['posts:read']);
  const [latest, before, ...rest] = await listOf(person);
  assert.deepEqual(rest, []);
  const daysOf = (time: Date | undefined) => Math.floor((Number(time) - startedAtMs) / DAY_MS);
  assert.deepEqual(
    { ...latest, firstGrantedAt: daysOf(latest?.firstGrantedAt), lastGrantedAt: daysOf(latest?.lastGrantedAt) },
    {
      ...{ clientId: first.id, clientName: 'First', clientUri: uri },
      // The browser that was allowed to read posts at first still may.
      ...{ scopes: ['openid', 'posts:read', 'feed:read'], refusedScopes: ['posts:write'] },
      ...{ firstGrantedAt: 0, lastGrantedAt: 2 },
    },
  );
  assert.deepEqual([before?.clientName, before?.clientUri, before?.scopes], ['Second', '', ['posts:read']]);
  assert.deepEqual(await listOf(other), []);
  await assert.rejects(service.consentsWith('x').listConsents({}), refused('TOKEN_INVALID'));
});

test('what one takes back ends all tokens of the client at once, and it has to ask anew', async () => {
  const [person, other, client] = [await service.signUp(), await service.signUp(), await registerClient(service)];
  const scope = `${SCOPE} offline_access`;
  const [one, two] = [await connect(person, client, { scope }), await connect(other, client, { scope })];
  assert.equal((await refresh(client, one.tokens.refresh_token)).status, 200);
  await revoke(person, client.id);

  assert.equal(await service.oauth.findAccessToken(one.tokens.access_token), undefined);
  assert.equal((await refresh(client, one.tokens.refresh_token)).json().error, 'invalid_grant');
  assert.ok(service.denyList.isDenied(one.grantId));
  const told = (await service.revocations()).filter(({ sessionId }) => sessionId === one.grantId);
  assert.deepEqual(told, [{ sessionId: one.grantId, userId: person.id }]);
  assert.deepEqual(await listOf(person), []);
  assert.equal(await askedOf(one.browser, client), SCOPE);

  assert.ok(await service.oauth.findAccessToken(two.tokens.access_token));
  assert.ok(!service.denyList.isDenied(two.grantId));
  assert.equal((await listOf(other)).length, 1);

  // Who was not told the first time asks again, and it is announced again.
  await revoke(person, client.id);
  const again = (await service.revocations()).filter(({ sessionId }) => sessionId === one.grantId);
  assert.equal(again.length, 2);
  service.clock.advance(2 * DAY_MS);
  await service.oauth.consents.cleanUp();
  await assert.rejects(revoke(person, client.id), refused('CONSENT_NOT_FOUND'));
});

test('one takes back only what one has given', async () => {
  const person = await service.signUp();
  await assert.rejects(revoke(person, 'unknown'), refused('CONSENT_NOT_FOUND'));
  await assert.rejects(revoke(person, (await registerClient(service)).id), refused('CONSENT_NOT_FOUND'));
  await assert.rejects(revoke(person, ''), refused('VALIDATION_FAILED', 'clientId'));
  await assert.rejects(revoke(person, 'a'.repeat(65)), refused('VALIDATION_FAILED', 'clientId'));
  await assert.rejects(revoke(person, 'a\u0000'), refused('VALIDATION_FAILED', 'clientId'));
});

test('there is no grant without a consent, also when it is taken back meanwhile', async () => {
  const [{ id: accountId }, client] = [await service.signUp(), await registerClient(service)];
  const { grants, oauth } = service;
  const { consents } = oauth;
  const parties = { accountId, clientId: client.id };
  const grant = { id: 'a-grant', ...parties, payload: {}, lifetimeMs: DAY_MS };
  assert.equal(await grants.upsert(grant, context), false);
  assert.equal(await consents.record(parties, { granted: ['openid'], refused: [] }, context), true);
  assert.equal(await grants.upsert(grant, context), true);
  assert.equal(await consents.revoke(parties, context), true);
  assert.equal(await grants.find(grant.id), undefined);
  assert.equal(await grants.upsert(grant, context), false);
  assert.equal(await consents.record({ ...parties, clientId: 'x' }, { granted: [], refused: [] }, context), false);
});

test('one consent too many ends the oldest, with its tokens', async () => {
  const [person, client] = [await service.signUp(), await registerClient(service)];
  const { tokens, grantId } = await connect(person, client);
  const text = `insert into oauth_clients (id, metadata, created_at_ms)
    select 'surplus-' || n, '{}', 0 from generate_series(1, ${MAX_CONSENTS_PER_ACCOUNT}) n`;
  await service.db.query({ name: 'test-clients', text }, []);
  const decision = { granted: ['openid'], refused: [] };
  for (let n = 1; n <= MAX_CONSENTS_PER_ACCOUNT; n += 1) {
    assert.ok(await service.oauth.findAccessToken(tokens.access_token));
    service.clock.advance(1);
    await service.oauth.consents.record({ accountId: person.id, clientId: `surplus-${n}` }, decision, context);
  }
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined);
  assert.ok(service.denyList.isDenied(grantId));
  assert.equal((await listOf(person)).length, MAX_CONSENTS_PER_ACCOUNT);
});

test('the list reads from the index what it shows, and nothing else', async () => {
  const { id } = await service.signIn();
  const person = (n: string) => `('00000000-0000-7000-8000-' || lpad(${n}::text, 12, '0'))::uuid`;
  for (const text of [
    `insert into accounts (id, email, password_hash, state, created_at_ms)
      select ${person('n')}, 'x', 'x', 'ACTIVE', 0 from generate_series(1, 2000) n`,
    `insert into oauth_clients (id, metadata, created_at_ms)
      select 'listed-' || n, '{}', 0 from generate_series(1, 20) n`,
    `insert into consents (account_id, client_id, granted, refused, first_at_ms, last_at_ms, expires_at_ms)
      select case a when 0 then '${id}'::uuid else ${person('a')} end, 'listed-' || n, '{}', '{}', 0, 0, 9e15
      from generate_series(0, 2000) a, generate_series(1, 20) n`,
    'analyze consents, oauth_clients, oauth_grants',
  ]) {
    await service.db.query({ name: `test-${text.length}`, text }, []);
  }
  const scans = await explain(service.db, LIST_CONSENTS, [id, service.clock.nowMs()]);
  const own = scans.filter((scan) => scan['Relation Name'] === 'consents');
  assert.deepEqual(
    own.map((scan) => [scan['Node Type'] === 'Seq Scan', scan['Actual Rows'], scan['Rows Removed by Filter'] ?? 0]),
    [[false, 20, 0]],
  );
});

test('an account that is ended while its person looks at the page gets through nowhere, and leaves nothing', async () => {
  const [person, client] = [await service.signUp(), await registerClient(service)];
  const { browser, tokens } = await connect(person, client);
  const more = await open(browser, requestOf(client, `${SCOPE} feed:read`).address);
  const half = openTestBrowser(service);
  const signIn = await open(half, requestOf(client, SCOPE).address);
  const entered = await submit(half, signIn, { identifier: person.handle, password: 'a walk in the rain 17' });
  assert.equal(entered.status, 303);
  assert.notEqual(await rowsOf(person.id), 0);
  await service.internal('user').disableAccount({ userId: person.id });
  assert.equal(await rowsOf(person.id), 0);

  assert.equal((await submit(browser, more, { decision: 'allow' })).status, 400);
  assert.equal(await askedOf(browser, client), 'sign-in');
  assert.equal((await open(half, entered.location ?? '')).status, 400);
  assert.equal(await service.oauth.findAccessToken(tokens.access_token), undefined);
  const again = await signInAt(browser, await open(browser, requestOf(client, SCOPE).address), person.handle);
  assert.match(again.body, /No account has this handle and password\./);
  assert.equal(await rowsOf(person.id), 0);
});

test('a browser whose person is ended just behind its sign-in has to sign in again', async () => {
  const [person, client] = [await service.signUp(), await registerClient(service)];
  const { browser } = await connect(person, client);
  const end = { name: 'test-end', text: "update accounts set state = 'DISABLED' where id = $1" };
  await service.db.query(end, [person.id]);
  assert.equal(await askedOf(browser, client), 'sign-in');
  assert.equal(await askedOf(browser, client, SCOPE, { prompt: 'none' }), 'login_required');
});

test('who signs out everywhere is signed out of all browsers, and of what was allowed for as long as one was signed in', async () => {
  const [person, other, client] = [await service.signUp(), await service.signUp(), await registerClient(service)];
  const [here, theirs] = [await connect(person, client), await connect(other, client)];
  const scope = 'posts:read offline_access';
  const away = await connect(person, await registerClient(service), { scope });
  const half = openTestBrowser(service);
  const signIn = await open(half, requestOf(client, SCOPE).address);
  const entered = await submit(half, signIn, { identifier: person.handle, password: 'a walk in the rain 17' });
  await service.withToken(person.accessToken).logout({ all: true });

  for (const browser of [here.browser, away.browser]) assert.equal(await askedOf(browser, client), 'sign-in');
  assert.equal((await open(half, entered.location ?? '')).status, 400);
  assert.equal(await service.oauth.findAccessToken(here.tokens.access_token), undefined);
  assert.ok(service.denyList.isDenied(here.grantId));
  assert.ok(await service.oauth.findAccessToken(away.tokens.access_token));
  assert.equal(await askedOf(theirs.browser, client), 'nothing');
  assert.ok(await service.oauth.findAccessToken(theirs.tokens.access_token));
});
