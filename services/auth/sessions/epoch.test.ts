/** What somebody was let in by opens nothing once it counts no more, however late that is noticed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Transaction } from '#kit/db/database.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { endEverything } from '../accounts/end-everything.ts';
import { setPassword } from '../accounts/new-password.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser, serveTestPages, type TestAnswer } from '../testing/oauth-browser.ts';
import { authorizationRequest, registerClient } from '../testing/oauth-client.ts';
import { fieldsOf, open } from '../testing/pages.ts';
import { PASSWORD, type SignedUp } from '../testing/signers.ts';
import { endOtherSessions } from './end-others.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
  serveTestPages(service);
});
after(() => service.close());

type End = (tx: Transaction, person: SignedUp) => Promise<unknown>;
const NO_SESSION = '00000000-0000-7000-8000-000000000000';
const ends: Record<string, End> = {
  'a change of the password': async (tx, { id }) => {
    await setPassword(tx, id, 'another hash', service.clock.nowMs());
    await endOtherSessions(tx, id, NO_SESSION);
  },
  'a reset of the password': async (tx, { id }) => {
    await setPassword(tx, id, 'another hash', service.clock.nowMs());
    await endEverything(tx, id);
  },
  'the end of everything': (tx, { id }) => endEverything(tx, id),
};

/** Does something to an account while requests that have been let in stand still before they open what they were let in to. */
async function whileOpening<Answer>(person: SignedUp, ask: () => Promise<Answer>, end: End) {
  const holding = { name: 'test-hold', text: 'select pg_backend_pid() as pid from accounts where id = $1 for update' };
  const waiting = {
    name: 'test-waiting',
    text: 'select 1 from pg_stat_activity where $1::int = any(pg_blocking_pids(pid))',
  };
  let answers: Promise<PromiseSettledResult<Answer>[]> | undefined;
  await service.db.transaction(async (tx) => {
    const [row] = await tx.query<{ pid: number }>(holding, [person.id]);
    answers = Promise.allSettled([ask()]);
    await until('it waits', async () => (await service.db.query(waiting, [row?.pid])).length > 0);
    await end(tx, person);
  });
  return (await answers)?.[0] ?? assert.fail();
}

async function sessionsOf({ id }: SignedUp): Promise<number> {
  return (await service.db.query({ name: 'test-rows', text: 'select 1 from sessions where account_id = $1' }, [id]))
    .length;
}

async function signInsOf({ id }: SignedUp): Promise<string[]> {
  const text = `select outcome from audit.log where account_id = $1 and action = 'SIGN_IN'`;
  return (await service.db.query<{ outcome: string }>({ name: 'test-audit', text }, [id])).map(
    ({ outcome }) => outcome,
  );
}

test('a sign-in whose password was right until now opens no session', async () => {
  for (const [name, end] of Object.entries(ends)) {
    const person = await service.signUp();
    const login = () => service.as().login({ identifier: person.handle, password: PASSWORD });
    const answer = await whileOpening(person, login, end);
    assert.ok(answer.status === 'rejected' && refused('CREDENTIALS_INVALID')(answer.reason), name);
    assert.equal(await sessionsOf(person), 0, name);
    assert.deepEqual(
      (await signInsOf(person)).filter((outcome) => outcome !== 'REFUSED'),
      [],
      name,
    );
  }
});

test('a browser whose password was right until now is not signed in', async () => {
  for (const [name, end] of Object.entries(ends)) {
    const person = await service.signUp();
    const browser = openTestBrowser(service);
    const page = await open(browser, '/signin');
    const form = Object.fromEntries([...fieldsOf(page), ['identifier', person.handle], ['password', PASSWORD]]);
    const submit = (): Promise<TestAnswer> => browser.fetch('/signin', form);
    const answer = await whileOpening(person, submit, end);
    assert.ok(answer.status === 'fulfilled' && answer.value.status === 400, name);
    assert.equal(browser.cookies.get('oxo_session'), undefined, name);
    assert.equal(await sessionsOf(person), 0, name);
  }
});

test('a sign-in that is told to an app after it has ended gives the app nothing', async () => {
  const client = await registerClient(service);
  for (const [name, end] of Object.entries(ends)) {
    const person = await service.signUp();
    const opened = await service.sessions.open(person.id, { userAgent: '', ip: '' }, { requestId: 'test' }, {});
    const browser = openTestBrowser(service);
    const request = authorizationRequest(client, { scope: 'openid posts:read', prompt: undefined });
    const page = await browser.fetch(request.address);
    await service.db.transaction((tx) => end(tx, person));
    const interaction = page.location?.searchParams.get('interaction') ?? '';
    const query = new URLSearchParams({ accountId: person.id, interaction, epoch: String(opened?.epoch) });
    const finished = await browser.fetch(`/test/finish?${query}`);
    const answer = await browser.fetch(finished.location ?? assert.fail(finished.body));
    const text = "select 1 from oauth_artifacts where account_id = $1 and kind = 'Session'";
    assert.equal((await service.db.query({ name: 'test-browsers', text }, [person.id])).length, 0, name);
    assert.notEqual(answer.location?.pathname, '/consent', `${name}: ${answer.location?.href}`);
  }
});

test('what somebody who was signed in until now allows an app counts no more', async () => {
  const client = await registerClient(service);
  const scope = 'openid posts:read';
  for (const [name, end] of Object.entries(ends)) {
    const person = await service.signUp();
    const browser = openTestBrowser(service);
    const page = await browser.fetch(authorizationRequest(client, { scope, prompt: undefined }).address);
    const finish = (at: TestAnswer) => {
      const interaction = at.location?.searchParams.get('interaction') ?? '';
      const query = new URLSearchParams({ accountId: person.id, scopes: scope, interaction });
      return browser.fetch(`/test/finish?${query}`);
    };
    const question = await browser.follow(await finish(page));
    assert.equal(question.location?.pathname, '/consent', question.body);
    const answer = await whileOpening(person, () => finish(question), end);
    assert.ok(answer.status === 'fulfilled' && answer.value.status === 400, name);
    for (const table of ['consents', 'oauth_grants', 'oauth_artifacts']) {
      const text = `select 1 from ${table} where account_id = $1`;
      assert.equal(
        (await service.db.query({ name: `test-${table}`, text }, [person.id])).length,
        0,
        `${name} ${table}`,
      );
    }
  }
});
