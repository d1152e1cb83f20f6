import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { codeOf } from '../../testing/authenticator-app.ts';
import { PASSWORD } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

test('who has lost app and recovery codes signs in by the password again, and every session has ended', async () => {
  const { id, handle, accessToken } = await service.signUp();
  const { secret } = await service.mfa(accessToken).enrolTotp({});
  await service.mfa(accessToken).confirmTotp({ otp: codeOf(secret, service.clock.nowMs()) });
  assert.deepEqual(await service.operator().resetMfa({ handle }), { userId: id, changed: true });
  await assert.rejects(service.mfa(accessToken).getMfa({}), refused('SESSION_REVOKED'));
  const { tokens } = await service.as().login({ identifier: handle, password: PASSWORD });
  const { mfa } = await service.mfa(tokens?.accessToken ?? '').getMfa({});
  assert.deepEqual(mfa, { totpEnabled: false, totpEnabledAt: undefined, recoveryCodesLeft: 0, passkeys: 0 });
  assert.deepEqual(await service.operator().resetMfa({ handle }), { userId: id, changed: false });
  const entries = {
    name: 'test-resets',
    text: "select actor_kind as actor from audit.log where account_id = $1 and action = 'RESET_MFA'",
  };
  assert.deepEqual(await service.db.query(entries, [id]), [{ actor: 'OPERATOR' }, { actor: 'OPERATOR' }]);
});

test('only the operator may, and only for somebody', async () => {
  await assert.rejects(service.operator().resetMfa({ handle: 'nobody_has_this' }), refused('USER_NOT_FOUND'));
  await assert.rejects(service.operator().resetMfa({ handle: 'No!' }), refused('VALIDATION_FAILED', 'handle'));
  await assert.rejects(service.operator('user').resetMfa({ handle: 'somebody' }), refused('CALLER_NOT_ALLOWED'));
});
