import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { createMailTokens } from '../../mail/mail-tokens.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const verify = (token: string) => service.as().verifyEmail({ token });
const signIn = (identifier: string) => service.as().login({ identifier, password: PASSWORD });

async function mailTo(email: string) {
  return (await service.mails(email)).at(-1) ?? assert.fail(`no mail to ${email}`);
}

test('an address is verified by what was mailed to it; then it signs in', async () => {
  const { id, handle } = await service.signUp();
  const email = `${handle}@example.org`;
  await assert.rejects(signIn(email), refused('CREDENTIALS_INVALID'));
  const { kind, accountId, token } = await mailTo(email);
  assert.deepEqual([kind, accountId], ['VERIFY_EMAIL', id]);
  assert.deepEqual(await verify(token), {});
  assert.equal((await signIn(email.toUpperCase())).user?.id, id);
  await verify(token);
});

test('the owner of a verified address hears of it when somebody registers with it, who learns nothing', async () => {
  const owner = await service.signUp();
  const email = `${owner.handle}@example.org`;
  await verify((await mailTo(email)).token);
  const other = await service.signUp({ handle: 'somebody_else', email });
  const { kind, accountId, token } = await mailTo(email);
  assert.deepEqual([kind, accountId], ['EMAIL_IN_USE', owner.id]);
  await assert.rejects(verify(token), refused('EMAIL_TOKEN_INVALID'));
  assert.notEqual(other.id, owner.id);
  assert.equal((await signIn(email)).user?.id, owner.id);
});

test('of two who have registered with an address it is whose mail is confirmed first', async () => {
  const email = 'wanted@example.org';
  const [one, two] = [await service.signUp({ email }), await service.signUp({ email })];
  const [first, second] = await service.mails(email);
  const results = await Promise.allSettled([verify(first?.token ?? ''), verify(second?.token ?? '')]);
  const [winner] = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [[one, two][index]] : []));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  const lost = results.find((result) => result.status === 'rejected');
  assert.ok(lost?.status === 'rejected' && refused('EMAIL_TOKEN_INVALID')(lost.reason));
  assert.equal((await signIn(email)).user?.id, winner?.id);
});

test('a registration that the sweep finishes is asked for its address too, and one that fails is not', async () => {
  await service.signUp({ handle: 'taken_one' });
  const email = 'left@example.org';
  await assert.rejects(service.signUp({ handle: 'taken_one', email }), refused('HANDLE_TAKEN'));
  assert.deepEqual(await service.mails(email), []);
  await service.db.query(
    {
      name: 'test-cut-off',
      text: `insert into accounts (id, email, password_hash, state, pending_handle, pending_display_name, sweep_at_ms, created_at_ms)
        values ($1, $2, 'x', 'PENDING', 'cut_off', 'x', 0, 0)`,
    },
    [newId(1), email],
  );
  await service.sweep();
  assert.deepEqual(
    (await service.mails(email)).map(({ kind }) => kind),
    ['VERIFY_EMAIL'],
  );
});

test('nothing else verifies an address', async () => {
  const { id, handle } = await service.signUp();
  const { id: mailId, token } = await mailTo(`${handle}@example.org`);
  const foreign = createMailTokens([randomBytes(32)]).make(mailId);
  for (const wrong of ['x', foreign, token.slice(1), mailId])
    await assert.rejects(verify(wrong), refused('EMAIL_TOKEN_INVALID'));
  for (const bad of ['', ' ', 'x'.repeat(257)])
    await assert.rejects(verify(bad), refused('VALIDATION_FAILED', 'token'));
  service.clock.advance(3 * DAY_MS);
  await assert.rejects(verify(token), refused('EMAIL_TOKEN_INVALID'));
  const verified = { name: 'test-verified', text: 'select email_verified_at_ms as at from accounts where id = $1' };
  assert.deepEqual(await service.db.query(verified, [id]), [{ at: null }]);
});

test('an account that was ended verifies nothing', async () => {
  const { id, handle } = await service.signUp();
  const { token } = await mailTo(`${handle}@example.org`);
  await service.internal('user').disableAccount({ userId: id });
  await assert.rejects(verify(token), refused('EMAIL_TOKEN_INVALID'));
});
