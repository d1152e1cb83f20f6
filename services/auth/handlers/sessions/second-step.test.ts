import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Metadata } from 'nice-grpc';
import { Session_Factor as Factor } from '#gen/oxo/auth/v1/auth.ts';
import { HOUR_MS, SECOND_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { codeOf } from '../../testing/authenticator-app.ts';
import { signInsDuring } from '../../testing/sign-ins.ts';
import { PASSWORD, type SignedUp } from '../../testing/signers.ts';

const STEP_MS = 30 * SECOND_MS;
const [HOME, CAFE] = ['203.0.113.1', '203.0.113.3'];
let service: TestAuthService;
before(async () => {
  service = await startAuthService({
    allowances: {
      otpOfAccountFromNetwork: { attempts: 3, windowMs: HOUR_MS },
      otpOfAccount: { attempts: 5, windowMs: HOUR_MS },
      otpOfAccountOnDevice: { attempts: 3, windowMs: HOUR_MS },
    },
  });
});
after(() => service.close());

interface Enrolled extends SignedUp {
  recoveryCodes: string[];
  /** The code of the app now; `later` steps of 30 seconds from now. */
  code(later?: number): string;
}

async function enrolled(): Promise<Enrolled> {
  const person = await service.signUp();
  const { secret } = await service.mfa(person.accessToken).enrolTotp({});
  const code = (later = 0) => codeOf(secret, service.clock.nowMs() + later * STEP_MS);
  const { recoveryCodes } = await service.mfa(person.accessToken).confirmTotp({ otp: code() });
  // That code is used.
  service.clock.advance(STEP_MS);
  return { ...person, recoveryCodes, code };
}

function login({ handle }: SignedUp, otp: string, { ip = HOME, password = PASSWORD, deviceToken = '' } = {}) {
  const request = { identifier: handle, password, otp, deviceToken };
  return service.as().login(request, { metadata: Metadata({ 'x-forwarded-for': ip }) });
}

const sessionsOf = async ({ accessToken }: SignedUp) =>
  (await service.withToken(accessToken).listSessions({})).sessions.filter(({ current }) => !current);
const wrong = (person: Enrolled) => String((Number(person.code()) + 500_000) % 1_000_000).padStart(6, '0');

describe('a second step', () => {
  it('is asked for after the right password, and opens nothing by itself', async () => {
    const person = await enrolled();
    for (const otp of ['', '  ']) {
      const answer = await login(person, otp);
      assert.deepEqual(answer, { user: undefined, tokens: undefined, mfaRequired: true, deviceToken: '' });
    }
    assert.deepEqual(await sessionsOf(person), []);
    const { user, tokens, mfaRequired } = await login(person, person.code());
    assert.deepEqual([user?.id, mfaRequired], [person.id, false]);
    assert.equal((await service.verifier.verifyUser(tokens?.accessToken ?? '')).userId, person.id);
  });

  it('is counted as what was shown, and the password alone as nothing', async () => {
    const person = await enrolled();
    const [spent = '', unknown] = [person.recoveryCodes[0], '0000-0000-0000-0000'];
    const counted = await signInsDuring(service.metrics, async () => {
      await login(person, '');
      await assert.rejects(login(person, wrong(person)), refused('OTP_INVALID'));
      await assert.rejects(login(person, unknown), refused('OTP_INVALID'));
      await login(person, person.code());
      await login(person, spent);
    });
    const once = ['totp refused', 'recovery_code refused', 'totp ok', 'recovery_code ok'];
    assert.deepEqual(counted, Object.fromEntries(once.map((name) => [name, 1])));
  });

  it('tells nothing of the code before the password is right', async () => {
    const person = await enrolled();
    const nobody = { ...person, handle: 'nobody_has_this' };
    for (const otp of ['', person.code(), wrong(person), person.recoveryCodes[0] ?? '']) {
      await assert.rejects(login(person, otp, { password: 'not the password' }), refused('CREDENTIALS_INVALID'));
      await assert.rejects(login(nobody, otp), refused('CREDENTIALS_INVALID'));
    }
    assert.notEqual((await login(person, person.recoveryCodes[0] ?? '')).tokens, undefined, 'it was not used');
  });

  it('is by a code that works once, however many use it at once', async () => {
    const person = await enrolled();
    const otp = person.code();
    const outcomes = await Promise.allSettled([login(person, otp), login(person, otp, { ip: CAFE })]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal((await sessionsOf(person)).length, 1);
    const elsewhere = { ip: '203.0.113.4' };
    await assert.rejects(login(person, otp, elsewhere), refused('OTP_INVALID'));
    // Nor does one from before it.
    await assert.rejects(login(person, person.code(-1), elsewhere), refused('OTP_INVALID'));
    assert.notEqual((await login(person, person.code(1), elsewhere)).tokens, undefined);
  });

  it('may be by a recovery code, which works once, however many use it at once', async () => {
    const person = await enrolled();
    const [otp = '', other = ''] = person.recoveryCodes;
    const outcomes = await Promise.allSettled(
      [1, 2, 3].map(() => login(person, otp.toUpperCase().replaceAll('-', ' '))),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await sessionsOf(person)).length, 1);
    await assert.rejects(login(person, otp), refused('OTP_INVALID'));
    assert.notEqual((await login(person, other)).tokens, undefined);
  });

  it('is seen in the list of sessions', async () => {
    const person = await enrolled();
    await login(person, person.code());
    service.clock.advance(SECOND_MS);
    await login(person, person.recoveryCodes[0] ?? '');
    const { sessions } = await service.withToken(person.accessToken).listSessions({});
    assert.deepEqual(
      sessions.map(({ factors }) => factors),
      [[Factor.PASSWORD, Factor.RECOVERY_CODE], [Factor.PASSWORD, Factor.TOTP], [Factor.PASSWORD]],
    );
  });

  it('is of no account that was ended', async () => {
    const person = await enrolled();
    await service.internal('user').disableAccount({ userId: person.id });
    for (const otp of ['', person.code()]) {
      await assert.rejects(login(person, otp), refused('CREDENTIALS_INVALID'));
    }
  });

  it('is not asked for where there is none, whatever is sent', async () => {
    const person = await service.signUp();
    assert.notEqual((await login(person, '123456')).tokens, undefined);
    await assert.rejects(login(person, '1'.repeat(65)), refused('VALIDATION_FAILED', 'otp'));
  });
});

describe('codes that are tried', () => {
  it('are refused after some, the right one too, and a recovery code goes on', async () => {
    const person = await enrolled();
    for (let time = 0; time < 3; time += 1) await assert.rejects(login(person, wrong(person)), refused('OTP_INVALID'));
    await assert.rejects(login(person, person.code()), refused('RATE_LIMITED'));
    assert.equal((await login(person, '')).mfaRequired, true);
    assert.notEqual((await login(person, person.recoveryCodes[0] ?? '')).tokens, undefined);
  });

  it('count only when they are wrong', async () => {
    const person = await enrolled();
    for (let time = 0; time < 6; time += 1) {
      assert.notEqual((await login(person, person.code())).tokens, undefined);
      service.clock.advance(STEP_MS);
    }
  });

  it('by who knows the password close the account to strangers, and not the device that it knows', async () => {
    const person = await enrolled();
    const { deviceToken } = await login(person, person.code());
    service.clock.advance(STEP_MS);
    for (let stranger = 1; stranger <= 5; stranger += 1)
      await assert.rejects(login(person, wrong(person), { ip: `192.0.2.${stranger}` }), refused('OTP_INVALID'));
    await assert.rejects(login(person, person.code(), { ip: '192.0.2.99' }), refused('RATE_LIMITED'));
    assert.notEqual((await login(person, person.code(), { deviceToken })).tokens, undefined);
  });

  it('pass uncounted never, and recovery codes do, while they cannot be counted', async () => {
    const person = await enrolled();
    await service.limits.killRedis();
    await assert.rejects(login(person, person.code()), refused('UNAVAILABLE'));
    assert.notEqual((await login(person, person.recoveryCodes[0] ?? '')).tokens, undefined);
    await service.limits.restartRedis();
  });

  it('are not tried by who does not know the password', async () => {
    const person = await enrolled();
    for (let time = 0; time < 6; time += 1)
      await assert.rejects(
        login(person, wrong(person), { password: 'not the password' }),
        refused('CREDENTIALS_INVALID'),
      );
    assert.notEqual((await login(person, person.code())).tokens, undefined);
  });

  it('stand in the audit log', async () => {
    const person = await enrolled();
    await assert.rejects(login(person, wrong(person)), refused('OTP_INVALID'));
    const refusals = {
      name: 'test-refusals',
      text: "select details from audit.log where account_id = $1 and action = 'SIGN_IN' and outcome = 'REFUSED'",
    };
    await until('it is written', async () => (await service.db.query(refusals, [person.id])).length === 1);
    assert.deepEqual(await service.db.query(refusals, [person.id]), [{ details: { why: 'code' } }]);
  });
});
