import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { assertionMessage, attestationMessage, PASSKEY_SITE } from '../../testing/passkeys.ts';
import { createAuthenticator } from '../../testing/software-authenticator.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ publicUrl: 'http://127.0.0.1:8080' });
});
after(() => service.close());

test('at an IP address nobody can have a passkey, and is told why', async () => {
  const { accessToken } = await service.signUp();
  const passkeys = service.passkeys(accessToken);
  const authenticator = createAuthenticator(PASSKEY_SITE);
  const made = attestationMessage(authenticator.create({ challenge: 'AAAA', user: { id: 'AAAA' } }));
  const credential = assertionMessage(authenticator.get({ challenge: 'AAAA' }));
  const off = refused('PASSKEYS_OFF');
  await assert.rejects(passkeys.beginPasskeyRegistration({}), off);
  await assert.rejects(passkeys.finishPasskeyRegistration({ name: 'phone', credential: made }), off);
  await assert.rejects(passkeys.beginPasskeySignIn({}), off);
  await assert.rejects(passkeys.finishPasskeySignIn({ credential }), off);
  assert.deepEqual((await passkeys.listPasskeys({})).passkeys, []);
});
