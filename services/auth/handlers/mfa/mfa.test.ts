import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { codeOf } from '../../testing/authenticator-app.ts';
import { PASSWORD } from '../../testing/signers.ts';

const STEP_MS = 30 * SECOND_MS;
let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const mfaOf = async (token: string) => (await service.mfa(token).getMfa({})).mfa;
const now = () => service.clock.nowMs();
const fresh = async (handle: string, otp: string) =>
  (await service.as().login({ identifier: handle, password: PASSWORD, otp })).tokens?.accessToken ?? '';

test('an app is enrolled, confirmed by its code, and taken away again', async () => {
  const { id, handle, accessToken } = await service.signUp();
  const mfa = service.mfa(accessToken);
  assert.deepEqual(await mfaOf(accessToken), {
    totpEnabled: false,
    totpEnabledAt: undefined,
    recoveryCodesLeft: 0,
    passkeys: 0,
  });
  const { secret, otpauthUri, expiresAt } = await mfa.enrolTotp({});
  assert.match(otpauthUri, new RegExp(`^otpauth://totp/OXO:${handle}\\?.*secret=${secret}`));
  const leftMs = (expiresAt?.getTime() ?? 0) - now();
  assert.ok(leftMs > HOUR_MS - MINUTE_MS && leftMs <= HOUR_MS);
  // Nothing has changed yet.
  assert.equal((await mfaOf(accessToken))?.totpEnabled, false);
  assert.notEqual(await fresh(handle, ''), '');

  const { recoveryCodes } = await mfa.confirmTotp({ otp: codeOf(secret, now()) });
  assert.equal(recoveryCodes.length, 10);
  const { totpEnabled, totpEnabledAt, recoveryCodesLeft } = (await mfaOf(accessToken)) ?? assert.fail();
  assert.deepEqual([totpEnabled, recoveryCodesLeft], [true, 10]);
  assert.ok((totpEnabledAt?.getTime() ?? 0) <= now());
  await assert.rejects(mfa.enrolTotp({}), refused('MFA_ALREADY_ENROLLED'));
  await assert.rejects(mfa.confirmTotp({ otp: codeOf(secret, now()) }), refused('MFA_ALREADY_ENROLLED'));
  assert.equal((await service.as().login({ identifier: handle, password: PASSWORD })).mfaRequired, true);

  await mfa.disableTotp({});
  await mfa.disableTotp({});
  assert.deepEqual(await mfaOf(accessToken), {
    totpEnabled: false,
    totpEnabledAt: undefined,
    recoveryCodesLeft: 0,
    passkeys: 0,
  });
  assert.notEqual(await fresh(handle, ''), '');
  const actions = {
    name: 'test-actions',
    text: 'select action from audit.log where account_id = $1 order by at_ms, id',
  };
  const done = (await service.db.query<{ action: string }>(actions, [id])).map(({ action }) => action);
  assert.deepEqual(
    done.filter((action) => action.endsWith('_TOTP')),
    ['ENABLE_TOTP', 'DISABLE_TOTP'],
  );
});

test('the code that confirms an app signs nobody in', async () => {
  const { handle, accessToken } = await service.signUp();
  const { secret } = await service.mfa(accessToken).enrolTotp({});
  const otp = codeOf(secret, now());
  await service.mfa(accessToken).confirmTotp({ otp });
  await assert.rejects(fresh(handle, otp), refused('OTP_INVALID'));
  assert.notEqual(await fresh(handle, codeOf(secret, now() + STEP_MS)), '');
});

test('what is begun anew has another secret, and what was begun too long ago is forgotten', async () => {
  const { id, handle, accessToken } = await service.signUp();
  const first = await service.mfa(accessToken).enrolTotp({});
  const second = await service.mfa(accessToken).enrolTotp({});
  assert.notEqual(first.secret, second.secret);
  await assert.rejects(
    service.mfa(accessToken).confirmTotp({ otp: codeOf(first.secret, now()) }),
    refused('OTP_INVALID'),
  );
  service.clock.advance(HOUR_MS);
  const token = await fresh(handle, '');
  const late = service.mfa(token).confirmTotp({ otp: codeOf(second.secret, now()) });
  await assert.rejects(late, refused('MFA_NOT_ENROLLED'));
  const other = (await service.signIn(id)).accessToken;
  const third = await service.mfa(other).enrolTotp({});
  assert.equal((await service.mfa(other).confirmTotp({ otp: codeOf(third.secret, now()) })).recoveryCodes.length, 10);
});

test('of two that enrol at once one is told the recovery codes', async () => {
  const { accessToken } = await service.signUp();
  const mfa = service.mfa(accessToken);
  const { secret } = await mfa.enrolTotp({});
  const otp = codeOf(secret, now());
  const outcomes = await Promise.allSettled([
    mfa.confirmTotp({ otp }),
    mfa.confirmTotp({ otp }),
    mfa.confirmTotp({ otp }),
  ]);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal((await mfaOf(accessToken))?.recoveryCodesLeft, 10);
});

test('other recovery codes end those from before', async () => {
  const { handle, accessToken } = await service.signUp();
  const mfa = service.mfa(accessToken);
  await assert.rejects(mfa.regenerateRecoveryCodes({}), refused('MFA_NOT_ENROLLED'));
  const { secret } = await mfa.enrolTotp({});
  await assert.rejects(mfa.regenerateRecoveryCodes({}), refused('MFA_NOT_ENROLLED'));
  const before = (await mfa.confirmTotp({ otp: codeOf(secret, now()) })).recoveryCodes;
  const { recoveryCodes } = await mfa.regenerateRecoveryCodes({});
  assert.equal(new Set([...before, ...recoveryCodes]).size, 20);
  await assert.rejects(fresh(handle, before[0] ?? ''), refused('OTP_INVALID'));
  assert.notEqual(await fresh(handle, recoveryCodes[0] ?? ''), '');
  assert.equal((await mfaOf(accessToken))?.recoveryCodesLeft, 9);
});

test('neither secret nor codes lie in the database as they are', async () => {
  const { accessToken } = await service.signUp();
  const { secret } = await service.mfa(accessToken).enrolTotp({});
  const { recoveryCodes } = await service.mfa(accessToken).confirmTotp({ otp: codeOf(secret, now()) });
  const rows = {
    name: 'test-mfa-rows',
    text: 'select row_to_json(f)::text as line from mfa_factors f union all select row_to_json(c)::text from recovery_codes c',
  };
  const text = (await service.db.query<{ line: string }>(rows)).map(({ line }) => line).join('\n');
  for (const word of [secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))]) {
    assert.ok(!text.includes(word) && !text.includes(Buffer.from(word).toString('hex')));
  }
});

test('what is wrong is named', async () => {
  const { accessToken } = await service.signUp();
  for (const otp of ['', ' ', '1'.repeat(65), 'a\u0000b']) {
    await assert.rejects(service.mfa(accessToken).confirmTotp({ otp }), refused('VALIDATION_FAILED', 'otp'));
  }
  await assert.rejects(service.mfa(accessToken).confirmTotp({ otp: '123456' }), refused('MFA_NOT_ENROLLED'));
});

test('a sign-in from long ago changes nothing, and sees what there is', async () => {
  const { accessToken } = await service.signUp();
  const mfa = service.mfa(accessToken);
  const { secret } = await mfa.enrolTotp({});
  service.clock.advance(15 * MINUTE_MS + SECOND_MS);
  const { token } = await service.issuer.accessToken({
    ...{ accountId: (await service.signIn()).id, sessionId: '0', signedInAtMs: now() - 15 * MINUTE_MS - SECOND_MS },
  });
  const old = service.mfa(token);
  const calls = [
    () => old.enrolTotp({}),
    () => old.confirmTotp({ otp: codeOf(secret, now()) }),
    () => old.disableTotp({}),
    () => old.regenerateRecoveryCodes({}),
  ];
  for (const call of calls) await assert.rejects(call(), refused('SIGN_IN_TOO_OLD'));
  assert.equal((await old.getMfa({})).mfa?.totpEnabled, false);
  await assert.rejects(service.mfa().getMfa({}), refused('TOKEN_MISSING'));
});

test('all of it goes with the account', async () => {
  const { id, accessToken } = await service.signUp();
  const { secret } = await service.mfa(accessToken).enrolTotp({});
  await service.mfa(accessToken).confirmTotp({ otp: codeOf(secret, now()) });
  const rows = {
    name: 'test-mfa-of',
    text: `select 1 from mfa_factors where account_id = $1 union all select 1 from recovery_codes where account_id = $1`,
  };
  assert.equal((await service.db.query(rows, [id])).length, 11);
  await service.db.query({ name: 'test-erase', text: 'delete from accounts where id = $1' }, [id]);
  assert.equal((await service.db.query(rows, [id])).length, 0);
});
