import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';

const OTHER = 'another walk in the rain 18';

let service: TestAuthService;
before(async () => {
  const confirmationOfAccount = { attempts: 5, windowMs: HOUR_MS };
  service = await startAuthService({ allowances: { confirmationOfAccount } });
});
after(() => service.close());

const signIn = (identifier: string) => service.as().login({ identifier, password: PASSWORD, deviceToken: '' });
const lastTo = async (email: string) => (await service.mails(email)).at(-1);

async function verifyLast(email: string): Promise<void> {
  await service.as().verifyEmail({ token: (await lastTo(email))?.token ?? assert.fail(`no mail to ${email}`) });
}

async function signUp() {
  const person = await service.signUp();
  return { ...person, email: `${person.handle}@example.org`, me: service.withToken(person.accessToken) };
}

test('one sees what one signs in by', async () => {
  const { id, email, me } = await signUp();
  const { account } = await me.getAccount({});
  assert.ok(account?.createdAt);
  assert.deepEqual(account, { id, email, emailVerified: false, pendingEmail: '', createdAt: account.createdAt });
  await verifyLast(email);
  assert.equal((await me.getAccount({})).account?.emailVerified, true);
  await assert.rejects(service.as().getAccount({}), refused('TOKEN_MISSING'));
});

test('another address counts once it is confirmed; the one before hears of it and signs in no more', async () => {
  const { id, email, me } = await signUp();
  await verifyLast(email);
  const { account } = await me.changeEmail({ email: ' Changed_One@Example.org ' });
  assert.deepEqual(
    [account?.email, account?.emailVerified, account?.pendingEmail],
    [email, true, 'changed_one@example.org'],
  );
  await assert.rejects(signIn('changed_one@example.org'), refused('CREDENTIALS_INVALID'));
  assert.equal((await signIn(email)).user?.id, id);
  await verifyLast('changed_one@example.org');
  await verifyLast('changed_one@example.org');
  const after = (await me.getAccount({})).account;
  assert.deepEqual([after?.email, after?.emailVerified, after?.pendingEmail], ['changed_one@example.org', true, '']);
  assert.equal((await signIn('changed_one@example.org')).user?.id, id);
  await assert.rejects(signIn(email), refused('CREDENTIALS_INVALID'));
  assert.equal((await lastTo(email))?.kind, 'EMAIL_CHANGED');
});

test('a typing error at the registration is mended, and its address hears of nothing', async () => {
  const { email, me } = await signUp();
  await me.changeEmail({ email: 'right@example.org' });
  await verifyLast('right@example.org');
  await assert.rejects(
    service.as().verifyEmail({ token: (await lastTo(email))?.token ?? '' }),
    refused('EMAIL_TOKEN_INVALID'),
  );
  assert.deepEqual(
    (await service.mails(email)).map(({ kind }) => kind),
    ['VERIFY_EMAIL'],
  );
});

test('a verified address hears at once that another one was asked for, however often', async () => {
  const { email, me } = await signUp();
  await verifyLast(email);
  for (const name of ['one', 'two']) await me.changeEmail({ email: `${name}_${email}` });
  await me.changeEmail({ email });
  const kinds = (await service.mails(email)).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['VERIFY_EMAIL', 'EMAIL_CHANGE_ASKED', 'EMAIL_CHANGE_ASKED']);
});

test('an address of another account is not told, and does not become one’s own; its owner hears of it', async () => {
  const [owner, other] = [await signUp(), await signUp()];
  await verifyLast(owner.email);
  const { account } = await other.me.changeEmail({ email: owner.email });
  assert.equal(account?.pendingEmail, owner.email);
  const mail = await lastTo(owner.email);
  assert.deepEqual([mail?.kind, mail?.accountId], ['EMAIL_IN_USE', owner.id]);
  await other.me.resendVerification({});
  assert.equal((await signIn(owner.email)).user?.id, owner.id);
});

test('a change that waits is given up by the address that there is, and by another change', async () => {
  const { email, me } = await signUp();
  await verifyLast(email);
  await me.changeEmail({ email: 'given_up@example.org' });
  await me.changeEmail({ email: 'second@example.org' });
  const { token = '' } = (await lastTo('given_up@example.org')) ?? {};
  await assert.rejects(service.as().verifyEmail({ token }), refused('EMAIL_TOKEN_INVALID'));
  assert.equal((await me.changeEmail({ email })).account?.pendingEmail, '');
  const second = (await lastTo('second@example.org'))?.token ?? '';
  await assert.rejects(service.as().verifyEmail({ token: second }), refused('EMAIL_TOKEN_INVALID'));
});

test('what an owner does to get an account back gives up a change that waits, and its mail confirms nothing any more', async () => {
  const recoveries = {
    async reset({ email }: Awaited<ReturnType<typeof signUp>>) {
      await service.as().forgotPassword({ email });
      await service.as().resetPassword({ token: (await lastTo(email))?.token ?? '', password: OTHER });
    },
    async change({ me }: Awaited<ReturnType<typeof signUp>>) {
      await me.changePassword({ currentPassword: PASSWORD, newPassword: OTHER });
    },
    async resetMfa({ handle }: Awaited<ReturnType<typeof signUp>>) {
      await service.operator().resetMfa({ handle });
    },
  };
  for (const [name, recover] of Object.entries(recoveries)) {
    const person = await signUp();
    await verifyLast(person.email);
    const theirs = `thief_${person.handle}@example.org`;
    await person.me.changeEmail({ email: theirs });
    const { token = '' } = (await lastTo(theirs)) ?? {};
    await recover(person);
    const password = name === 'resetMfa' ? PASSWORD : OTHER;
    const { tokens } = await service.as().login({ identifier: person.handle, password, deviceToken: '' });
    const me = service.withToken(tokens?.accessToken ?? '');
    assert.equal((await me.getAccount({})).account?.pendingEmail, '', name);
    await assert.rejects(service.as().verifyEmail({ token }), refused('EMAIL_TOKEN_INVALID'), name);
    // Not even when the same address is asked for again: that is another mail's affair.
    await me.changeEmail({ email: theirs });
    await assert.rejects(service.as().verifyEmail({ token }), refused('EMAIL_TOKEN_INVALID'), name);
    await verifyLast(theirs);
    assert.equal((await me.getAccount({})).account?.email, theirs, name);
  }
});

test('a confirmation of the address that there is outlives a change of the password', async () => {
  const { email, me } = await signUp();
  await me.changePassword({ currentPassword: PASSWORD, newPassword: OTHER });
  await verifyLast(email);
  assert.equal((await me.getAccount({})).account?.emailVerified, true);
});

test('a confirmation is sent again to the address that waits for it, a few times an hour', async () => {
  const { email, me } = await signUp();
  await me.resendVerification({});
  assert.equal((await service.mails(email)).length, 2);
  await me.changeEmail({ email: 'again@example.org' });
  await me.resendVerification({});
  assert.equal((await service.mails('again@example.org')).length, 2);
  await verifyLast('again@example.org');
  await me.resendVerification({});
  assert.equal((await service.mails('again@example.org')).length, 2, 'there is nothing to confirm');
  await me.resendVerification({});
  await assert.rejects(me.resendVerification({}), refused('RATE_LIMITED'));
  await assert.rejects(me.changeEmail({ email: 'more@example.org' }), refused('RATE_LIMITED'));
});

test('only a sign-in of the last quarter of an hour changes an address', async () => {
  const { me } = await signUp();
  await assert.rejects(me.changeEmail({ email: 'nowhere' }), refused('VALIDATION_FAILED', 'email'));
  const old = await signUp();
  service.clock.advance(14 * MINUTE_MS);
  const refreshed = await service.as().refresh({ refreshToken: old.refreshToken });
  service.clock.advance(2 * MINUTE_MS);
  await assert.rejects(
    service.withToken(refreshed.tokens?.accessToken ?? '').changeEmail({ email: 'late@example.org' }),
    refused('SIGN_IN_TOO_OLD'),
  );
});
