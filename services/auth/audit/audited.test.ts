import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata } from 'nice-grpc';
import { HOUR_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { FEED_SECRET, startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser } from '../testing/oauth-browser.ts';
import { registerClient, type TestClient, token } from '../testing/oauth-client.ts';
import { allowAt, open, requestOf, signInAt, tokensFor } from '../testing/pages.ts';
import { PASSWORD } from '../testing/signers.ts';

const SCOPE = 'openid posts:read';
let service: TestAuthService;
before(async () => {
  service = await startAuthService({ allowances: { refreshFromNetwork: { attempts: 2, windowMs: HOUR_MS } } });
});
after(() => service.close());

interface Entry {
  action: string;
  outcome: string;
  account: string;
  actor: string;
  client: string;
  network: string;
  details: Record<string, string>;
}

/** Entries of an action, oldest first. */
async function entriesOf(action: string): Promise<Entry[]> {
  const text = `select action, outcome, coalesce(account_id::text, '') as account, actor_kind as actor, client_id as client, network, details
    from audit.log where action = $1 order by at_ms, id`;
  return service.db.query<Entry>({ name: 'test-entries', text }, [action]);
}
const untilThere = (action: string, wanted: (entry: Entry) => boolean) =>
  until(`${action} is in the log`, async () => (await entriesOf(action)).find(wanted));

async function connect(client: TestClient, handle: string) {
  const [browser, request] = [openTestBrowser(service), requestOf(client, SCOPE)];
  const page = await signInAt(browser, await open(browser, request.address), handle);
  // The second time nobody is asked.
  const answer = page.location === undefined ? await allowAt(browser, page) : page;
  return tokensFor(service, client, request, answer);
}

test('who signs in at a page, for which client, and who could not', async () => {
  const [person, client] = [await service.signUp(), await registerClient(service)];
  const browser = openTestBrowser(service);
  const page = await open(browser, requestOf(client, SCOPE).address);
  const again = await signInAt(browser, page, person.handle, 'not the password');
  assert.equal(again.status, 400);
  const about = { account: person.id, client: client.id };
  const wrong = await untilThere('CHECK_PASSWORD', ({ account }) => account === person.id);
  assert.deepEqual([wrong.outcome, wrong.actor, wrong.client], ['REFUSED', 'NOBODY', client.id]);
  await signInAt(browser, again, person.handle);
  const right = (await entriesOf('CHECK_PASSWORD')).filter(({ outcome }) => outcome === 'SUCCEEDED');
  assert.deepEqual(
    right.map(({ account, actor, client: app }) => ({ account, actor, client: app })),
    [{ ...about, actor: 'PERSON' }],
  );
  assert.deepEqual(await entriesOf('SIGN_IN'), []);
});

test('a grant that was made without a question, by what was said before', async () => {
  const [person, client] = [await service.signUp(), await registerClient(service)];
  await connect(client, person.handle);
  await connect(client, person.handle);
  const granted = (await entriesOf('GRANT_CONSENT')).filter(({ account }) => account === person.id);
  assert.deepEqual(
    granted.map(({ client: app, actor, details }) => [app, actor, details]),
    [
      [client.id, 'PERSON', { scopes: SCOPE }],
      [client.id, 'PERSON', { scopes: SCOPE, remembered: 'yes' }],
    ],
  );
});

test('secrets that are not the client’s, with the client where it is one, and those of our own services', async () => {
  const client = await registerClient(service);
  const wrong = { ...client, secret: 'wrong' };
  const form = { grant_type: 'client_credentials', scope: 'posts:read' };
  for (const known of [wrong, wrong, { ...wrong, id: 'a-password-typed-as-an-id' }]) {
    assert.equal((await token(service, known, form)).status, 401);
  }
  await untilThere('AUTHENTICATE_CLIENT', (entry) => entry.client === client.id && entry.outcome === 'REFUSED');
  await untilThere('AUTHENTICATE_CLIENT', (entry) => entry.client === '');
  const entries = await entriesOf('AUTHENTICATE_CLIENT');
  assert.equal(entries.length, 2);
  assert.ok(!JSON.stringify(entries).includes('typed'));
  const internal = service.internal();
  for (const clientId of ['feed', 'nobody']) {
    const shown = { clientId, clientSecret: `${FEED_SECRET}, but wrong` };
    await assert.rejects(internal.issueServiceToken(shown), refused('CREDENTIALS_INVALID'));
  }
  await untilThere('AUTHENTICATE_CLIENT', ({ details }) => details.service === 'feed');
});

test('who has tried more often than they may, from where, and what', async () => {
  const metadata = Metadata({ 'x-forwarded-for': '203.0.113.77' });
  const refresh = () => service.as().refresh({ refreshToken: 'x' }, { metadata });
  for (let time = 0; time < 2; time += 1) await assert.rejects(refresh(), refused('REFRESH_TOKEN_INVALID'));
  assert.deepEqual(await entriesOf('EXCEED_LIMIT'), []);
  await assert.rejects(refresh(), refused('RATE_LIMITED'));
  const entry = await untilThere('EXCEED_LIMIT', () => true);
  assert.deepEqual([entry.outcome, entry.network, entry.details], ['REFUSED', '203.0.113.77', { limit: 'refresh' }]);
  await service.as().login({ identifier: (await service.signUp()).handle, password: PASSWORD }, { metadata });
});
