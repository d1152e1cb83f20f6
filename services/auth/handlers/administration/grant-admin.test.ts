import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD, type SignedUp } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

async function logIn({ handle }: SignedUp): Promise<{ accessToken: string; refreshToken: string }> {
  const { tokens } = await service.as().login({ identifier: handle, password: PASSWORD });
  return { accessToken: tokens?.accessToken ?? '', refreshToken: tokens?.refreshToken ?? '' };
}

async function refreshed(refreshToken: string): Promise<string> {
  return (await service.as().refresh({ refreshToken })).tokens?.accessToken ?? '';
}

const mayRead = (token: string) => service.adminWithToken(token).listAuditLog({});

test('only sessions that were opened after the grant are an administrator’s, also when they are refreshed', async () => {
  const person = await service.signUp();
  await assert.rejects(mayRead(person.accessToken), refused('SCOPE_MISSING'));
  assert.deepEqual(await service.operator().grantAdmin({ handle: person.handle }), {
    userId: person.id,
    changed: true,
  });
  const session = await logIn(person);
  await mayRead(session.accessToken);
  await mayRead(await refreshed(session.refreshToken));
  for (const token of [person.accessToken, await refreshed(person.refreshToken)]) {
    await assert.rejects(mayRead(token), refused('SCOPE_MISSING'));
  }
  await service.operator().revokeAdmin({ handle: person.handle });
});

test('what is taken back ends every session at once, and the next is like any other’s', async () => {
  const person = await service.signUp();
  await service.operator().grantAdmin({ handle: person.handle });
  const session = await logIn(person);
  const revoked = await service.operator().revokeAdmin({ handle: person.handle });
  assert.deepEqual(revoked, { userId: person.id, changed: true });
  for (const token of [person.accessToken, session.accessToken]) {
    await assert.rejects(service.withToken(token).listSessions({}), refused('SESSION_REVOKED'));
  }
  await assert.rejects(refreshed(session.refreshToken), refused('REFRESH_TOKEN_INVALID'));
  await assert.rejects(mayRead((await logIn(person)).accessToken), refused('SCOPE_MISSING'));
});

test('both may be repeated, and the list tells who is one', async () => {
  const [one, other] = [await service.signUp(), await service.signUp()];
  for (const changed of [true, false]) {
    assert.equal((await service.operator().grantAdmin({ handle: one.handle })).changed, changed);
  }
  await service.operator().grantAdmin({ handle: other.handle });
  const named = ({ id: userId, handle }: SignedUp) => ({ userId, handle });
  const { admins } = await service.operator().listAdmins({});
  assert.deepEqual(admins, [one, other].map(named));
  const listed = await service.db.query({
    name: 'test-listed',
    text: "select from audit.log where action = 'LIST_ADMINS'",
  });
  assert.equal(listed.length, 1);
  for (const changed of [true, false]) {
    assert.equal((await service.operator().revokeAdmin({ handle: one.handle })).changed, changed);
  }
  await service.internal('user').disableAccount({ userId: other.id });
  assert.deepEqual(await service.operator().listAdmins({}), { admins: [] });
});

test('who does not administer keeps all sessions, and a repeated call ends those that did, with an entry', async () => {
  const person = await service.signUp();
  const revoke = () => service.operator().revokeAdmin({ handle: person.handle });
  assert.equal((await revoke()).changed, false);
  await service.withToken(person.accessToken).listSessions({});
  await service.operator().grantAdmin({ handle: person.handle });
  await logIn(person);
  // It is done and nobody has heard of it.
  await service.holdBroadcast(true);
  await assert.rejects(revoke(), refused('UNAVAILABLE'));
  await service.holdBroadcast(false);
  const fresh = await logIn(person);
  assert.equal((await revoke()).changed, false);
  await service.withToken(fresh.accessToken).listSessions({});

  const entries = await service.db.query<{ details: object }>({
    name: 'test-revocations',
    text: `select details from audit.log where action = 'REVOKE_ADMIN' and account_id = '${person.id}' order by at_ms, id`,
  });
  // The client asks again by itself while it is told that it is not done.
  const [first, ...repeated] = entries.map(({ details }) => details);
  assert.deepEqual([first, repeated.at(-1)], [{ sessions: '2' }, { sessions: '1' }]);
});

test('a sign-in at the moment of the revocation leaves no administrator behind', async () => {
  const person = await service.signUp();
  for (let round = 0; round < 3; round += 1) {
    await service.operator().grantAdmin({ handle: person.handle });
    const [session] = await Promise.all([logIn(person), service.operator().revokeAdmin({ handle: person.handle })]);
    await assert.rejects(mayRead(session.accessToken));
    const again = refreshed(session.refreshToken).then(mayRead);
    await assert.rejects(again);
  }
});

test('whom nobody knows, what is no handle, and who is not the operator', async () => {
  const { id, handle } = await service.signUp();
  await assert.rejects(service.operator().grantAdmin({ handle: 'nobody_has_this' }), refused('USER_NOT_FOUND'));
  await assert.rejects(service.operator().revokeAdmin({ handle: 'nobody_has_this' }), refused('USER_NOT_FOUND'));
  for (const wrong of ['', 'Not A Handle', `a'; drop table accounts; --`]) {
    await assert.rejects(service.operator().grantAdmin({ handle: wrong }), refused('VALIDATION_FAILED', 'handle'));
    await assert.rejects(service.operator().revokeAdmin({ handle: wrong }), refused('VALIDATION_FAILED', 'handle'));
  }
  for (const caller of ['auth', 'user', 'post', 'feed']) {
    await assert.rejects(service.operator(caller).grantAdmin({ handle }), refused('CALLER_NOT_ALLOWED'));
    await assert.rejects(service.operator(caller).listAdmins({}), refused('CALLER_NOT_ALLOWED'));
  }
  await service.internal('user').disableAccount({ userId: id });
  await assert.rejects(service.operator().grantAdmin({ handle }), refused('USER_NOT_FOUND'));
});
