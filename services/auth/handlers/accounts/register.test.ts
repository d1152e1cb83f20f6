import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { MINUTE_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const registration = (handle: string) => ({
  handle,
  email: `${handle}@example.org`,
  password: PASSWORD,
  displayName: `The ${handle}`,
});

const accounts = () =>
  service.db.query<{ id: string; email: string; state: string; sweep_at_ms: string | null }>({
    name: 'test-accounts',
    text: 'select id, email, state, sweep_at_ms from accounts order by id',
  });

const accountOf = async (handle: string) => (await accounts()).find(({ email }) => email.startsWith(`${handle}@`));

type Registration = Parameters<ReturnType<TestAuthService['as']>['register']>[0];

const refuses = (request: Registration, ...fields: string[]) =>
  assert.rejects(service.as().register(request), refused('VALIDATION_FAILED', ...fields));

test('a registration gives the profile and tokens that are verified', async () => {
  const { user, tokens } = await service.as().register(registration('alice'));
  assert.deepEqual([user?.handle, user?.displayName], ['alice', 'The alice']);
  assert.deepEqual([tokens?.tokenType, tokens?.expiresIn], ['Bearer', 900]);
  const accessToken = tokens?.accessToken ?? '';
  assert.equal((await service.verifier.verifyUser(accessToken)).userId, user?.id);
  const claims = decodeJwt(accessToken);
  assert.deepEqual(
    [claims.iss, claims.aud, claims.sub, claims.client_id],
    ['http://oxo.test', 'oxo-api', user?.id, 'oxo'],
  );
  assert.equal((claims.exp ?? 0) - (claims.iat ?? 0), 900);
  assert.ok(claims.jti && claims.sid);
  assert.match(String(claims.scope), /^profile:read profile:write posts:read posts:write follows:write feed:read /);
  assert.doesNotMatch(String(claims.scope), /admin/);
  assert.equal(decodeProtectedHeader(accessToken).typ, 'at+jwt');
  assert.deepEqual((await accountOf('alice'))?.state, 'ACTIVE');
});

test('the display name is the handle when there is none, and an email is kept in one form', async () => {
  const { user } = await service.as().register({
    ...registration('bob'),
    displayName: ' ',
    email: ' BoB@Bücher.Example ',
  });
  assert.equal(user?.displayName, 'bob');
  assert.equal((await accountOf('bob'))?.email, 'bob@xn--bcher-kva.example');
});

test('nobody is told that an email is known', async () => {
  const email = 'shared@example.org';
  await service.as().register({ ...registration('first_one'), email });
  const { user } = await service.as().register({ ...registration('second_one'), email });
  assert.equal(user?.handle, 'second_one');
});

test('a taken handle leaves no account behind', async () => {
  await service.as().register(registration('taken'));
  const before = await accounts();
  await assert.rejects(
    service.as().register({ ...registration('taken'), email: 'other@example.org' }),
    refused('HANDLE_TAKEN'),
  );
  assert.deepEqual(await accounts(), before);
});

test('a handle that could be taken for OXO is refused, and leaves no account behind', async () => {
  const before = await accounts();
  for (const handle of ['admin', 'supp0rt'])
    await assert.rejects(service.as().register(registration(handle)), refused('HANDLE_RESERVED'));
  assert.deepEqual(await accounts(), before);
});

test('every field that is wrong is named at once', async () => {
  const before = { accounts: await accounts(), hashes: service.hashes() };
  const bad = { handle: 'No', email: 'nowhere', password: 'short', displayName: 'x'.repeat(61) };
  await refuses(bad, 'handle', 'email', 'password', 'displayName');
  const nul = {
    handle: 'a\u0000bc',
    email: 'a\u0000@example.org',
    password: `${PASSWORD}\u0000`,
    displayName: '\u200b\u00ad',
  };
  await refuses(nul, 'handle', 'email', 'password', 'displayName');
  for (const handle of ['ab', 'a'.repeat(31), 'Alice', 'a-b-c', 'älice', '']) {
    await refuses({ ...registration('x_y_z'), handle }, 'handle');
  }
  for (const password of ['', '123456789', 'x'.repeat(257), '🙂'.repeat(257), 'password123', 'aaaaaaaaaaaa']) {
    await refuses({ ...registration('x_y_z'), password }, 'password');
  }
  await refuses({ ...registration('long_handle'), password: 'long_handle' }, 'password');
  assert.deepEqual({ accounts: await accounts(), hashes: service.hashes() }, before);
});

test('a registration that fails half-way is finished by the sweep, and by nobody before a minute', async () => {
  await service.user().kill();
  await assert.rejects(service.as().register(registration('carol')), refused('UNAVAILABLE'));
  await service.user().restart();
  assert.equal((await accountOf('carol'))?.state, 'PENDING');
  await service.sweep();
  assert.equal((await accountOf('carol'))?.state, 'PENDING');
  service.clock.advance(MINUTE_MS);
  await until('the sweep reaches the user service', async () => {
    await service.sweep();
    if ((await accountOf('carol'))?.state === 'ACTIVE') return true;
    service.clock.advance(MINUTE_MS);
    return false;
  });
  const { user } = await service.as().login({ identifier: 'carol', password: PASSWORD });
  assert.equal(user?.displayName, 'The carol');
});

/** An account as a kill leaves it: written, its profile perhaps made, not active. */
async function cutOff(handle: string): Promise<string> {
  const id = newId(service.clock.nowMs());
  await service.db.query(
    {
      name: 'test-cut-off',
      text: `insert into accounts (id, email, password_hash, state, pending_handle, pending_display_name, sweep_at_ms, created_at_ms)
        select $1, $2, password_hash, 'PENDING', $3, $3, $4, $5 from accounts where email = 'alice@example.org'`,
    },
    [id, `${handle}@example.org`, handle, service.clock.nowMs() + MINUTE_MS, service.clock.nowMs()],
  );
  return id;
}

test('an account that was cut off is undone when somebody else has the handle', async () => {
  await cutOff('alice');
  const before = await accounts();
  service.clock.advance(MINUTE_MS);
  await service.sweep();
  assert.equal((await accounts()).length, before.length - 1);
});

test('an account that was cut off after its profile was made is finished by its first login', async () => {
  const id = await cutOff('dave');
  await service.users.createUser({ id, handle: 'dave', displayName: 'dave' });
  const { user } = await service.as().login({ identifier: 'dave', password: PASSWORD });
  assert.equal(user?.id, id);
  assert.equal((await accountOf('dave'))?.state, 'ACTIVE');
});

test('an account whose profile nobody can make does not keep others from being settled', async () => {
  await cutOff('Not A Handle');
  const good = await cutOff('erin');
  service.clock.advance(MINUTE_MS);
  await service.sweep();
  assert.equal(await accountOf('Not A Handle'), undefined);
  assert.equal((await accounts()).find(({ id }) => id === good)?.state, 'ACTIVE');
});

test('neither email nor password nor token stands in a log', async () => {
  const { tokens } = await service.as().register(registration('frank'));
  await assert.rejects(service.as().register({ ...registration('frank'), email: 'secret.address@example.org' }));
  await assert.rejects(service.as().login({ identifier: 'frank', password: 'a wrong password' }));
  const secrets = [
    PASSWORD,
    'example.org',
    'a wrong password',
    tokens?.accessToken ?? '?',
    tokens?.refreshToken ?? '?',
  ];
  for (const secret of secrets) assert.ok(!service.log().includes(secret), secret.slice(0, 20));
});
