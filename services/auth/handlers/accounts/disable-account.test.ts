import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AccountDisabled } from '#gen/oxo/auth/v1/auth_events.ts';
import { hasReason } from '#kit/errors.ts';
import { newId } from '#kit/ids.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const disable = (userId: string, caller: string | undefined = 'user') =>
  service.internal(caller).disableAccount({ userId });

const STATE = { name: 'test-state', text: 'select state from accounts where id = $1' };

test('every session ends, the tokens are refused, and nobody signs in any more', async () => {
  const { id, handle, accessToken, refreshToken } = await service.signUp();
  const { tokens } = await service.as().login({ identifier: handle, password: PASSWORD });
  await disable(id);
  for (const token of [accessToken, tokens?.accessToken ?? '']) {
    await assert.rejects(service.withToken(token).listSessions({}), refused('SESSION_REVOKED'));
  }
  for (const token of [refreshToken, tokens?.refreshToken ?? '']) {
    await assert.rejects(service.as().refresh({ refreshToken: token }), refused('REFRESH_TOKEN_INVALID'));
  }
  // The profile is still there: it is the account that lets nobody in.
  await assert.rejects(service.as().login({ identifier: handle, password: PASSWORD }), refused('CREDENTIALS_INVALID'));
  assert.deepEqual(await service.db.query(STATE, [id]), [{ state: 'DISABLED' }]);
  const events = (await service.events()).filter(({ subject }) => subject === 'account.disabled');
  assert.deepEqual(
    events.map(({ payload }) => AccountDisabled.decode(payload)),
    [{ userId: id }],
  );
});

test('it may be repeated; an account that is not there is announced all the same', async () => {
  const { id } = await service.signUp();
  await Promise.all([disable(id), disable(id)]);
  await disable(id);
  const nobody = newId(1);
  await disable(nobody);
  assert.ok(service.denyList.isDenied(nobody));
});

test('a sign-in in the same moment leaves no session behind', async () => {
  for (let round = 0; round < 3; round += 1) {
    const { id, handle, refreshToken } = await service.signUp();
    const outcomes = await Promise.allSettled([
      service.as().login({ identifier: handle, password: PASSWORD }),
      service.as().refresh({ refreshToken }),
      disable(id),
    ]);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      assert.ok(
        ['CREDENTIALS_INVALID', 'REFRESH_TOKEN_INVALID'].some((reason) =>
          hasReason(outcome.reason, reason as 'CREDENTIALS_INVALID'),
        ),
      );
    }
    assert.deepEqual(
      await service.db.query({ name: 'test-sessions', text: 'select 1 from sessions where account_id = $1' }, [id]),
      [],
    );
  }
});

test('only the user service may', async () => {
  const { id } = await service.signUp();
  for (const caller of ['feed', 'post', 'auth'])
    await assert.rejects(disable(id, caller), refused('CALLER_NOT_ALLOWED'));
  await assert.rejects(service.internal().disableAccount({ userId: id }), refused('TOKEN_MISSING'));
  await assert.rejects(disable('x'), refused('VALIDATION_FAILED', 'userId'));
});

test('the sweep of registrations does not bring an account back', async () => {
  const { id } = await service.signIn();
  await disable(id);
  service.clock.advance(10 * 60_000);
  await service.sweep();
  assert.deepEqual(await service.db.query(STATE, [id]), [{ state: 'DISABLED' }]);
});
