import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Session_Factor as Factor } from '#gen/oxo/auth/v1/auth.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { codeOf } from '../../testing/authenticator-app.ts';
import { addPasskey, PASSKEY_URL, signedBy } from '../../testing/passkeys.ts';
import { PASSWORD, type SignedUp } from '../../testing/signers.ts';

const STEP_MS = 30 * SECOND_MS;
const WRONG = 'not the password';
let service: TestAuthService;
before(async () => {
  service = await startAuthService({
    publicUrl: PASSKEY_URL,
    allowances: {
      confirmOfSession: { attempts: 3, windowMs: HOUR_MS },
      otpOfAccount: { attempts: 2, windowMs: HOUR_MS },
      otpOfAccountInSessions: { attempts: 4, windowMs: HOUR_MS },
    },
  });
});
after(() => service.close());

const confirm = (token: string, password: string, otp = '') =>
  service.withToken(token).confirmSignIn({ password, otp });

/** A sign-in that is too long ago for what is sensitive, and its refresh token. */
async function longAgo(person: SignedUp): Promise<{ token: string; refreshToken: string }> {
  service.clock.advance(15 * MINUTE_MS + SECOND_MS);
  const { tokens } = await service.as().refresh({ refreshToken: person.refreshToken });
  const token = tokens?.accessToken ?? '';
  await assert.rejects(service.mfa(token).enrolTotp({}), refused('SIGN_IN_TOO_OLD'));
  return { token, refreshToken: tokens?.refreshToken ?? '' };
}

async function entriesOf({ id }: SignedUp): Promise<string[]> {
  const statement = {
    name: 'test-confirmations',
    text: `select concat_ws(' ', outcome, details->>'why', details->>'factors') as line from audit.log
      where account_id = $1 and action = 'CONFIRM_SIGN_IN' order by at_ms, id`,
  };
  return (await service.db.query<{ line: string }>(statement, [id])).map(({ line }) => line);
}

const factorsOf = async (token: string) =>
  (await service.withToken(token).listSessions({})).sessions.find(({ current }) => current)?.factors;

describe('a sign-in is confirmed', () => {
  it('by the password: the token that is answered, and those of later refreshes, may do what is sensitive', async () => {
    const person = await service.signUp();
    const { token, refreshToken } = await longAgo(person);
    const { accessToken, tokenType, expiresIn, mfaRequired } = await confirm(token, PASSWORD);
    assert.deepEqual([tokenType, expiresIn, mfaRequired], ['Bearer', 900, false]);
    await service.mfa(accessToken).enrolTotp({});
    await assert.rejects(service.mfa(token).enrolTotp({}), refused('SIGN_IN_TOO_OLD'));
    const { tokens } = await service.as().refresh({ refreshToken });
    await service.mfa(tokens?.accessToken ?? '').enrolTotp({});
    assert.deepEqual(await factorsOf(accessToken), [Factor.PASSWORD]);
    assert.deepEqual(await entriesOf(person), ['SUCCEEDED PASSWORD']);
    service.clock.advance(15 * MINUTE_MS + SECOND_MS);
    const { tokens: later } = await service.as().refresh({ refreshToken: tokens?.refreshToken ?? '' });
    await assert.rejects(service.mfa(later?.accessToken ?? '').enrolTotp({}), refused('SIGN_IN_TOO_OLD'));
  });

  it('by password and code where the account needs one', async () => {
    const person = await service.signUp();
    const { secret } = await service.mfa(person.accessToken).enrolTotp({});
    await service.mfa(person.accessToken).confirmTotp({ otp: codeOf(secret, service.clock.nowMs()) });
    const { token } = await longAgo(person);
    assert.deepEqual(await confirm(token, PASSWORD), {
      ...{ accessToken: '', tokenType: '', expiresIn: 0, mfaRequired: true },
    });
    await assert.rejects(service.mfa(token).disableTotp({}), refused('SIGN_IN_TOO_OLD'));
    await assert.rejects(confirm(token, WRONG, '000000'), refused('CREDENTIALS_INVALID'));
    await assert.rejects(confirm(token, PASSWORD, '0'), refused('OTP_INVALID'));
    const otp = codeOf(secret, service.clock.nowMs());
    const { accessToken } = await confirm(token, PASSWORD, otp);
    assert.deepEqual(await factorsOf(accessToken), [Factor.PASSWORD, Factor.TOTP]);
    await assert.rejects(confirm(token, PASSWORD, otp), refused('OTP_INVALID'));
    service.clock.advance(STEP_MS);
    await service.mfa(accessToken).disableTotp({});
  });

  it('by a code, however many somebody else tries who has the password', async () => {
    const person = await service.signUp();
    const { secret } = await service.mfa(person.accessToken).enrolTotp({});
    await service.mfa(person.accessToken).confirmTotp({ otp: codeOf(secret, service.clock.nowMs()) });
    const { token } = await longAgo(person);
    const tryToSignIn = () => service.as().login({ identifier: person.handle, password: PASSWORD, otp: '0' });
    for (let time = 0; time < 2; time += 1) await assert.rejects(tryToSignIn(), refused('OTP_INVALID'));
    await assert.rejects(tryToSignIn(), refused('RATE_LIMITED'));
    const { accessToken } = await confirm(token, PASSWORD, codeOf(secret, service.clock.nowMs()));
    assert.deepEqual(await factorsOf(accessToken), [Factor.PASSWORD, Factor.TOTP]);
  });

  it('by a passkey of the account alone', async () => {
    const [person, other] = [await service.signUp(), await service.signUp()];
    const { authenticator } = await addPasskey(service.passkeys(person.accessToken));
    const { token: theirs } = await longAgo(other);
    const { tokens } = await service.as().refresh({ refreshToken: person.refreshToken });
    const mine = tokens?.accessToken ?? '';
    await assert.rejects(service.mfa(mine).enrolTotp({}), refused('SIGN_IN_TOO_OLD'));
    const credential = await signedBy(service.passkeys(), authenticator);
    await assert.rejects(service.withToken(theirs).confirmSignIn({ credential }), refused('PASSKEY_INVALID'));
    const { accessToken } = await service.withToken(mine).confirmSignIn({ credential });
    assert.deepEqual(await factorsOf(accessToken), [Factor.PASSWORD, Factor.PASSKEY]);
    await service.mfa(accessToken).enrolTotp({});
    await assert.rejects(service.withToken(mine).confirmSignIn({ credential }), refused('PASSKEY_INVALID'));
    await until('the other one is told', async () => (await entriesOf(other)).length > 0);
    assert.deepEqual(await entriesOf(other), ['REFUSED passkey']);
  });
});

describe('a sign-in is not confirmed', () => {
  it('by a wrong password, of which there are few for a session', async () => {
    const person = await service.signUp();
    const { token } = await longAgo(person);
    for (let time = 0; time < 3; time += 1) await assert.rejects(confirm(token, WRONG), refused('CREDENTIALS_INVALID'));
    await assert.rejects(confirm(token, PASSWORD), refused('RATE_LIMITED'));
    await until('it is told', async () => (await entriesOf(person)).length > 0);
    assert.equal((await entriesOf(person))[0], 'REFUSED password');
  });

  it('by too many codes, in however many sessions', async () => {
    const person = await service.signUp();
    const others = [await service.signIn(person.id), await service.signIn(person.id)];
    const { secret } = await service.mfa(person.accessToken).enrolTotp({});
    await service.mfa(person.accessToken).confirmTotp({ otp: codeOf(secret, service.clock.nowMs()) });
    const tokens = [person, ...others].map(({ accessToken }) => accessToken);
    const tried = [0, 0, 1, 1].map((index) => tokens[index] ?? '');
    for (const token of tried) await assert.rejects(confirm(token, PASSWORD, '0'), refused('OTP_INVALID'));
    service.clock.advance(STEP_MS);
    const last = confirm(tokens[2] ?? '', PASSWORD, codeOf(secret, service.clock.nowMs()));
    await assert.rejects(last, refused('RATE_LIMITED'));
  });

  it('by nothing, or by two things', async () => {
    const { accessToken } = await service.signUp();
    const { authenticator } = await addPasskey(service.passkeys(accessToken));
    const credential = await signedBy(service.passkeys(), authenticator);
    await assert.rejects(confirm(accessToken, ''), refused('VALIDATION_FAILED', 'password'));
    await assert.rejects(confirm(accessToken, PASSWORD, 'x'.repeat(65)), refused('VALIDATION_FAILED', 'otp'));
    const both = { credential, password: PASSWORD };
    await assert.rejects(service.withToken(accessToken).confirmSignIn(both), refused('VALIDATION_FAILED', 'password'));
    await assert.rejects(
      service.withToken(accessToken).confirmSignIn({ credential: { id: '', response: undefined } }),
      refused('VALIDATION_FAILED', 'credential.id', 'credential.response'),
    );
  });

  it('when the session has ended meanwhile, or all have', async () => {
    const person = await service.signUp();
    const lock = { name: 'test-lock-account', text: 'select 1 from accounts where id = $1 for update' };
    const waiting = {
      name: 'test-waiting',
      text: `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    };
    const changes = [
      'update accounts set browser_epoch = browser_epoch + 1 where id = $1',
      'delete from sessions where account_id = $1',
    ];
    for (const [index, text] of changes.entries()) {
      const pending: Promise<unknown>[] = [];
      await service.db.transaction(async (tx) => {
        await tx.query(lock, [person.id]);
        pending.push(assert.rejects(confirm(person.accessToken, PASSWORD), refused('SESSION_REVOKED')));
        await until('it waits', async () => (await service.db.query(waiting)).length > 0);
        await tx.query({ name: `test-change-${index}`, text }, [person.id]);
      });
      await Promise.all(pending);
    }
  });
});
