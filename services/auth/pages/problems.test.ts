/** What no page tells of itself is told by one for all, and what nobody has thought of is logged. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OxoError, unavailable } from '#kit/errors.ts';
import { createTestContext, type TestContext } from '#kit/testing/context.ts';
import { until } from '#kit/testing/until.ts';
import { ACCOUNT_PAGES } from '../oauth/routes.ts';
import { ISSUER, startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { openTestBrowser } from '../testing/oauth-browser.ts';
import { assertSafe, open, press, signInAt, unescaped } from '../testing/pages.ts';
import { createProblems } from './problems.ts';
import { TEXTS } from './texts/texts.ts';

const { problems, refusals } = TEXTS.en;
const PATH = '/test-problem';
let context: TestContext;
let service: TestAuthService;
let error: unknown;
before(async () => {
  context = createTestContext('problems');
  service = await startAuthService();
  const showProblem = createProblems({ browsers: { forget() {} }, issuer: ISSUER, logger: context.logger });
  service.http.handle({ path: PATH, methods: ['GET'], lane: 'test' }, (exchange) => showProblem(exchange, error));
});
after(async () => {
  await service.close();
  await context.close();
});

const linesOfLog = () => context.log().split('request failed').length - 1;

test('only what is away is called so, and only what is our fault is logged', async () => {
  const named = (name: string) => Object.assign(new Error(name), { name });
  const cases: [unknown, number, string, string?][] = [
    [unavailable('The user service is away.'), 503, problems.away, '1'],
    [new OxoError('DEADLINE_EXCEEDED', 'Too slow.'), 503, problems.away, '1'],
    [named('TemporarilyUnavailable'), 503, problems.away, '1'],
    [new OxoError('RATE_LIMITED', 'Too many.', { retryAfterMs: 30_000 }), 429, refusals.RATE_LIMITED, '30'],
    [named('InvalidGrant'), 400, problems.expired],
    [new OxoError('BODY_TOO_LARGE', 'Too large.'), 413, problems.foreign],
    [new OxoError('REQUEST_MALFORMED', 'No form.'), 400, problems.foreign],
    [new OxoError('PASSKEY_LIMIT_REACHED', 'Not told by its page.'), 500, problems.failed],
    [new OxoError('USER_NOT_FOUND', 'Not told by its page.'), 500, problems.failed],
    [new TypeError('a bug'), 500, problems.failed],
  ];
  for (const [each, status, text, retryAfter] of cases) {
    error = each;
    const before = linesOfLog();
    const answer = await openTestBrowser(service).fetch(PATH);
    assert.deepEqual([answer.status, answer.headers['retry-after']], [status, retryAfter], String(each));
    assertSafe(answer);
    assert.ok(unescaped(answer.body).includes(text), answer.body);
    assert.equal(linesOfLog() - before, status === 500 ? 1 : 0, String(each));
  }
});

test('whose account ends while a form is under way comes to the sign-in, and stays there', async () => {
  const { id, handle } = await service.signUp();
  const browser = openTestBrowser(service);
  const page = await signInAt(browser, await open(browser, ACCOUNT_PAGES.twoStep), handle);
  const pending = await service.db.transaction(async (tx) => {
    await tx.query({ name: 'test-lock', text: 'select 1 from accounts where id = $1 for no key update' }, [id]);
    const pressed = press(browser, page, 'Set up an authenticator app');
    const waiting = {
      name: 'test-waiting',
      text: `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    };
    await until('it waits for the account', async () => (await service.db.query(waiting)).length === 1);
    await tx.query({ name: 'test-end', text: `update accounts set state = 'DISABLED' where id = $1` }, [id]);
    return { pressed };
  });
  const answer = await pending.pressed;
  const back = new URLSearchParams({ back: ACCOUNT_PAGES.twoStep });
  assert.deepEqual([answer.status, answer.location?.href], [303, `${ISSUER}/signin?${back}`]);
  assert.equal(browser.cookies.has('oxo_session'), false);
  assert.match((await open(browser, answer.location ?? assert.fail())).body, /<h1>Sign in<\/h1>/);
});
