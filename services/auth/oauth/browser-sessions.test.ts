import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Transaction } from '#kit/db/database.ts';
import { until } from '#kit/testing/until.ts';
import { endBrowserSessions } from '../sessions/browser-epochs.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import {
  authorize,
  openTestBrowser,
  serveTestPages,
  type TestAnswer,
  type TestBrowser,
} from '../testing/oauth-browser.ts';
import { authorizationRequest, registerClient, type TestClient } from '../testing/oauth-client.ts';

const SCOPE = 'openid posts:read';
let service: TestAuthService;
let client: TestClient;
before(async () => {
  service = await startAuthService({ withUser: false });
  serveTestPages(service);
  client = await registerClient(service);
});
after(() => service.close());

const requestOf = (changes = {}) =>
  authorizationRequest(client, { scope: SCOPE, prompt: undefined, ...changes }).address;

async function signedIn(): Promise<{ accountId: string; browser: TestBrowser }> {
  const { id: accountId } = await service.signIn();
  const browser = openTestBrowser(service);
  const answer = await authorize(browser, requestOf(), { accountId, scopes: SCOPE });
  assert.ok(answer.location?.searchParams.get('code'));
  return { accountId, browser };
}

const rowsOf = async (accountId: string, kind: string) => {
  const text = 'select 1 from oauth_artifacts where account_id = $1 and kind = $2';
  return (await service.db.query({ name: 'test-rows', text }, [accountId, kind])).length;
};

/** Does something while requests stand still before what they ask of a table. */
async function whileStopped(
  table: string,
  ask: () => Promise<TestAnswer>[],
  work: (tx: Transaction) => Promise<unknown> = async () => undefined,
): Promise<TestAnswer[]> {
  const waiting = {
    name: 'test-waiting',
    text: 'select 1 from pg_locks where not granted and relation = $1::regclass',
  };
  let answers: Promise<TestAnswer>[] = [];
  await service.db.transaction(async (tx) => {
    await tx.query({ name: `test-lock-${table}`, text: `lock table ${table} in access exclusive mode` });
    answers = ask();
    await until('they wait', async () => (await service.db.query(waiting, [table])).length >= answers.length);
    await work(tx);
  });
  return Promise.all(answers);
}

const endAll = (accountId: string) => (tx: Transaction) => endBrowserSessions(tx, accountId);
const endOne = (accountId: string) => (tx: Transaction) => {
  const text = "delete from oauth_artifacts where account_id = $1 and kind = 'Session'";
  return tx.query({ name: 'test-end', text }, [accountId]);
};
const errorIn = ({ location }: TestAnswer) => location?.searchParams.get('error');

async function assertSignedOut(browser: TestBrowser, accountId: string): Promise<void> {
  for (const kind of ['Session', 'AuthorizationCode', 'Interaction'])
    assert.equal(await rowsOf(accountId, kind), 0, kind);
  assert.equal(errorIn(await browser.fetch(requestOf({ prompt: 'none' }))), 'login_required');
}

test('a request that is under way when its browser is signed out gives nothing and does not bring the session back', async () => {
  for (const end of [endAll, endOne]) {
    const { accountId, browser } = await signedIn();
    const clean = {
      name: 'test-clean',
      text: "delete from oauth_artifacts where account_id = $1 and kind = 'AuthorizationCode'",
    };
    await service.db.query(clean, [accountId]);
    const silent = () => [browser.fetch(requestOf({ prompt: 'none' }))];
    const [answer = assert.fail()] = await whileStopped('oauth_grants', silent, end(accountId));
    assert.equal(errorIn(answer), 'login_required', answer.location?.href);
    await assertSignedOut(browser, accountId);
  }
});

test('a sign-in of before all sessions were ended is worth nothing after', async () => {
  const { accountId } = await signedIn();
  await service.db.transaction(endAll(accountId));
  const browser = openTestBrowser(service);
  const page = await browser.fetch(requestOf());
  const query = new URLSearchParams({ accountId, interaction: page.location?.searchParams.get('interaction') ?? '' });
  const finished = await browser.fetch(`/test/finish?${query}`);
  assert.equal(finished.status, 303, finished.body);
  const resume = () => [browser.fetch(finished.location ?? assert.fail())];
  const [answer = assert.fail()] = await whileStopped('oauth_grants', resume, endAll(accountId));
  assert.equal(errorIn(answer), 'login_required', answer.location?.href);
  await assertSignedOut(browser, accountId);
});

test('a sign-in that is noted after all sessions were ended does not begin them again', async () => {
  const { accountId } = await signedIn();
  const browser = openTestBrowser(service);
  const page = await browser.fetch(requestOf());
  const query = new URLSearchParams({ accountId, interaction: page.location?.searchParams.get('interaction') ?? '' });
  const end = async (tx: Transaction) => {
    await endBrowserSessions(tx, accountId);
    const forget = "delete from oauth_artifacts where kind = 'Interaction'";
    await tx.query({ name: 'test-forget', text: forget });
  };
  const [answer] = await whileStopped('accounts', () => [browser.fetch(`/test/finish?${query}`)], end);
  assert.equal(answer?.status, 400);
  assert.equal(await rowsOf(accountId, 'Interaction'), 0);
});

test('one sign-in gives one session, also when its answer is asked for twice at once', async () => {
  const { id: accountId } = await service.signIn();
  const browser = openTestBrowser(service);
  const page = await browser.fetch(requestOf());
  const query = new URLSearchParams({ accountId, interaction: page.location?.searchParams.get('interaction') ?? '' });
  const { location = assert.fail() } = await browser.fetch(`/test/finish?${query}`);
  const answers = await whileStopped('oauth_artifacts', () => [browser.fetch(location), browser.fetch(location)]);
  assert.equal(answers.filter(({ status }) => status === 303).length, 1);
  assert.equal(await rowsOf(accountId, 'Session'), 1);
});

test('who signs out and in again is signed in, as often as they like', async () => {
  const { accountId, browser } = await signedIn();
  for (let time = 0; time < 2; time += 1) {
    await service.db.transaction(endAll(accountId));
    await assertSignedOut(browser, accountId);
    const answer = await authorize(browser, requestOf(), { accountId, scopes: SCOPE });
    assert.ok(answer.location?.searchParams.get('code'), answer.location?.href);
    assert.equal(await rowsOf(accountId, 'Session'), 1);
    await service.db.query({
      name: 'test-clean-codes',
      text: "delete from oauth_artifacts where kind = 'AuthorizationCode'",
    });
  }
});

test('signing out ends also what a request that came meanwhile was granted', async () => {
  const { accountId, browser } = await signedIn();
  const page = await browser.fetch('/oauth/logout');
  const xsrf = /name="xsrf" value="(\w+)"/.exec(page.body)?.[1] ?? assert.fail();
  const other = await registerClient(service);
  const leave = () => [browser.fetch('/oauth/logout/confirm', { xsrf, logout: 'yes' })];
  const also = async (tx: Transaction) => {
    const grants = `insert into oauth_grants (id, client_id, account_id, payload, created_at_ms, expires_at_ms)
      select 'meanwhile', $2, $1, '{}', 1, 1e15::bigint`;
    await tx.query({ name: 'test-grant', text: grants }, [accountId, other.id]);
    const session = `update oauth_artifacts
      set payload = jsonb_set(payload, array['authorizations', $2], '{"grantId": "meanwhile"}') where account_id = $1 and kind = 'Session'`;
    await tx.query({ name: 'test-session', text: session }, [accountId, other.id]);
  };
  const [left] = await whileStopped('oauth_grants', leave, also);
  assert.equal(left?.status, 303);
  assert.ok(service.denyList.isDenied('meanwhile'));
  assert.equal(await rowsOf(accountId, 'Session'), 0);
});
