import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Metadata } from 'nice-grpc';
import { OxoError } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { signInsDuring } from '../../testing/sign-ins.ts';
import { PASSWORD } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

async function refusal(identifier: string, password: string): Promise<OxoError> {
  try {
    await service.as().login({ identifier, password });
  } catch (error) {
    assert.ok(error instanceof OxoError);
    return error;
  }
  assert.fail('the login was not refused');
}

test('one signs in by handle, whatever its case', async () => {
  const { id, handle } = await service.signUp();
  for (const identifier of [handle, handle.toUpperCase(), ` ${handle} `]) {
    const { user, tokens } = await service.as().login({ identifier, password: PASSWORD });
    assert.equal(user?.id, id);
    assert.equal((await service.verifier.verifyUser(tokens?.accessToken ?? '')).userId, id);
  }
});

test('sign-ins are counted by what became of them, and what was no try is not', async () => {
  const { handle } = await service.signUp();
  const counted = await signInsDuring(service.metrics, async () => {
    await service.as().login({ identifier: handle, password: PASSWORD });
    await refusal(handle, 'not the password');
    await refusal('nobody_has_this', PASSWORD);
    await refusal(handle, '');
  });
  assert.deepEqual(counted, { 'password ok': 1, 'password refused': 2 });
});

test('the same password in another Unicode form is the same password', async () => {
  const { handle } = await service.signUp({ password: 'crème brûlée' });
  const { user } = await service.as().login({ identifier: handle, password: 'crème brûlée'.normalize('NFD') });
  assert.equal(user?.handle, handle);
});

test('each login is a session of its own, with its device', async () => {
  const { id, handle } = await service.signUp();
  const metadata = Metadata({ 'x-forwarded-for': '203.0.113.9' });
  await service.as().login({ identifier: handle, password: PASSWORD }, { metadata });
  const rows = await service.db.query<{ ip: string; user_agent: string }>(
    { name: 'test-devices', text: 'select ip, user_agent from sessions where account_id = $1 order by ip' },
    [id],
  );
  assert.deepEqual(
    rows.map((row) => row.ip),
    ['', '203.0.113.9'],
  );
  assert.match(rows[0]?.user_agent ?? '', /grpc/);
});

test('a wrong password and an unknown handle give the same answer after the same work', async () => {
  const { handle } = await service.signUp();
  const seen = new Set<string>();
  for (const [identifier, password] of [
    [handle, 'not the password'],
    ['nobody_has_this', PASSWORD],
    [`${handle}@example.org`, PASSWORD],
    ['@', PASSWORD],
  ] as const) {
    const before = service.hashes();
    const { reason, message, fields } = await refusal(identifier, password);
    seen.add(JSON.stringify({ reason, message, fields }));
    assert.equal(service.hashes() - before, 1, identifier);
  }
  assert.deepEqual(
    [...seen].map((text) => JSON.parse(text).reason),
    ['CREDENTIALS_INVALID'],
  );
});

test('a profile without an account cannot be signed in to', async () => {
  await service.users.createUser({ id: newId(service.clock.nowMs()), handle: 'no_account', displayName: 'x' });
  const before = service.hashes();
  assert.equal((await refusal('no_account', PASSWORD)).reason, 'CREDENTIALS_INVALID');
  assert.equal(service.hashes() - before, 1);
});

test('every field that is wrong is named, and nothing is hashed', async () => {
  const before = service.hashes();
  for (const [identifier, password] of [
    ['', ''],
    ['a'.repeat(255), 'a'.repeat(257)],
    ['a\u0000b', 'é'.repeat(600)],
  ] as const) {
    await assert.rejects(
      service.as().login({ identifier, password }),
      refused('VALIDATION_FAILED', 'identifier', 'password'),
    );
  }
  assert.equal(service.hashes(), before);
});

test('without the user service nobody is told a wrong password', async () => {
  const { handle } = await service.signUp();
  await service.user().kill();
  await assert.rejects(service.as().login({ identifier: handle, password: PASSWORD }), refused('UNAVAILABLE'));
  await service.user().restart();
});
