import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuditLogEntry_Action as Action } from '#gen/oxo/admin/v1/audit_log.ts';
import { KeyRotated } from '#gen/oxo/auth/v1/auth_events.ts';
import { createDenyList } from '#kit/identity/deny-list.ts';
import { secretIdOf } from '#kit/identity/service-token.ts';
import { createTokenVerifier } from '#kit/identity/token-verifier.ts';
import { refused } from '#kit/testing/refused.ts';
import { FEED_SECRET, ISSUER, startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';
import { hashOf } from '../../tokens/hash.ts';

const LEAKED = secretIdOf(hashOf('a secret that leaked'));

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const drop = (secretIds: string[], replaced: string[] = []) =>
  service.internal('operator').dropServiceSecrets({ secretIds, replaced });

test('tokens that were got by a former secret are refused, and no others', async () => {
  const { accessToken } = await service.internal().issueServiceToken({ clientId: 'feed', clientSecret: FEED_SECRET });
  // As another service, which hears of it and knows no secrets.
  const parts = { keys: service.keys.find, issuer: ISSUER, clock: service.clock };
  const denyList = createDenyList(service.clock);
  const verifier = createTokenVerifier({ ...parts, denyList });
  const { token } = await service.issuer.serviceToken('feed', LEAKED);
  assert.equal(await verifier.verifyService(token), 'feed');

  await drop([LEAKED], ['feed', 'cookies']);
  assert.ok(service.denyList.isDenied(LEAKED), 'it is not answered before this process refuses them');
  const event = (await service.events()).findLast(({ subject }) => subject === 'key.rotated');
  const { droppedSecretIds, droppedKids } = KeyRotated.decode(event?.payload ?? assert.fail());
  assert.deepEqual([droppedSecretIds, droppedKids], [[LEAKED], []]);
  for (const id of droppedSecretIds) denyList.deny(id);
  // Also one that is remembered.
  await assert.rejects(async () => verifier.verifyService(token), refused('TOKEN_INVALID'));
  assert.equal(await verifier.verifyService(accessToken), 'feed');
});

test('auth believes no token that was got by a secret that it does not know, whoever has heard of it', async () => {
  const { token } = await service.issuer.serviceToken('operator', secretIdOf(hashOf('another')));
  const call = service.internalWithToken(token).rotateSigningKeys({ force: false });
  await assert.rejects(call, refused('TOKEN_INVALID'));
});

test('it stands in the audit log, also when none of the secrets gets tokens', async () => {
  const admin = await service.signUp();
  await service.operator().grantAdmin({ handle: admin.handle });
  const { tokens } = await service.as().login({ identifier: admin.handle, password: PASSWORD });
  await drop([], ['audit', 'tags']);
  const log = service.adminWithToken(tokens?.accessToken ?? '');
  const { entries } = await log.listAuditLog({ action: Action.ROTATE_CREDENTIALS, pageSize: 1 });
  assert.deepEqual(
    entries.map(({ details }) => details),
    [{ replaced: 'audit tags' }],
  );
});

test('a secret that counts is not dropped, and what is wrong is named', async () => {
  await assert.rejects(drop([secretIdOf(hashOf(FEED_SECRET))]), refused('VALIDATION_FAILED', 'secretIds'));
  await assert.rejects(drop(['short'], ['Not a name']), refused('VALIDATION_FAILED', 'secretIds.0', 'replaced.0'));
  await assert.rejects(drop(Array(65).fill(LEAKED)), refused('VALIDATION_FAILED', 'secretIds'));
});

test('while NATS is away it is not said to be done', async () => {
  const id = secretIdOf(hashOf('one more'));
  await service.holdBroadcast(true);
  await assert.rejects(drop([id]), refused('UNAVAILABLE'));
  await service.holdBroadcast(false);
  await drop([id]);
});
