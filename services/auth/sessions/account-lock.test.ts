import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { refused } from '#kit/testing/refused.ts';
import { createKnownDevices } from '../attempts/known-devices.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import { codeOf } from '../testing/authenticator-app.ts';
import { attestationMessage, PASSKEY_SITE, PASSKEY_URL } from '../testing/passkeys.ts';
import { PASSWORD } from '../testing/signers.ts';
import { createAuthenticator } from '../testing/software-authenticator.ts';

const CHOSEN = 'another walk in the rain 18';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ publicUrl: PASSKEY_URL });
});
after(() => service.close());

/** Somebody whose address is verified, and who has everything ready that a thief of the token needs. */
async function robbed() {
  const person = await service.signUp();
  const email = `${person.handle}@example.org`;
  const [mail] = await service.mails(email);
  await service.as().verifyEmail({ token: mail?.token ?? '' });
  const [mfa, passkeys] = [service.mfa(person.accessToken), service.passkeys(person.accessToken)];
  const { secret } = await mfa.enrolTotp({});
  const { apiKey } = await service.apiKeys(person.accessToken).createApiKey({ name: 'k', scopes: ['feed:read'] });
  const { options } = await passkeys.beginPasskeyRegistration({});
  const credential = attestationMessage(createAuthenticator(PASSKEY_SITE).create({ challenge: '', ...options }));
  return { ...person, email, secret, keyId: apiKey?.id ?? '', credential };
}
type Robbed = Awaited<ReturnType<typeof robbed>>;

/** Every way to make or change a way in, by the token that was stolen. */
function changesOf({ accessToken, secret, keyId, credential, handle }: Robbed, password: string) {
  const [auth, mfa] = [service.withToken(accessToken), service.mfa(accessToken)];
  const [passkeys, keys] = [service.passkeys(accessToken), service.apiKeys(accessToken)];
  return {
    confirmTotp: () => mfa.confirmTotp({ otp: codeOf(secret, service.clock.nowMs()) }),
    enrolTotp: () => mfa.enrolTotp({}),
    regenerateRecoveryCodes: () => mfa.regenerateRecoveryCodes({}),
    disableTotp: () => mfa.disableTotp({}),
    finishPasskey: () => passkeys.finishPasskeyRegistration({ name: 'thief', credential }),
    beginPasskey: () => passkeys.beginPasskeyRegistration({}),
    deletePasskey: () => passkeys.deletePasskey({ id: keyId }),
    changeEmail: () => auth.changeEmail({ email: `thief_of_${handle}@example.org` }),
    resendVerification: () => auth.resendVerification({}),
    createApiKey: () => keys.createApiKey({ name: 'thief', scopes: ['feed:read'] }),
    rotateApiKey: () => keys.rotateApiKey({ id: keyId }),
    confirmSignIn: () => auth.confirmSignIn({ password }),
    changePassword: () => auth.changePassword({ currentPassword: password, newPassword: 'mine at last 123 456' }),
  };
}

async function resetByMail({ email }: Robbed): Promise<void> {
  await service.as().forgotPassword({ email });
  const { token } = (await service.mails(email)).findLast(({ kind }) => kind === 'RESET_PASSWORD') ?? assert.fail();
  await service.as().resetPassword({ token, password: CHOSEN });
}
const resetMfa = async ({ handle }: Robbed) => void (await service.operator().resetMfa({ handle }));

/** What there is by which somebody comes in, besides the password. */
async function waysInto({ id }: Robbed): Promise<string[]> {
  const text = `select 'session' as way from sessions where account_id = $1
    union all select 'passkey' from passkeys where account_id = $1
    union all select 'API key' from api_keys where account_id = $1
    union all select 'app' from mfa_factors where account_id = $1 and confirmed_at_ms is not null
    union all select 'code' from recovery_codes where account_id = $1
    union all select 'address' from accounts where id = $1 and pending_email is not null`;
  const rows = await service.db.query<{ way: string }>({ name: 'test-ways-into', text }, [id]);
  return [...new Set(rows.map(({ way }) => way))];
}

const ENDINGS = {
  'the password was reset by mail': { end: resetByMail, password: CHOSEN, left: [] },
  'the second step was reset': { end: resetMfa, password: PASSWORD, left: ['API key'] },
  'the person has signed out everywhere': {
    end: async ({ accessToken }: Robbed) => void (await service.withToken(accessToken).logout({ all: true })),
    ...{ password: PASSWORD, left: ['API key'] },
  },
};

for (const [when, { end, password, left }] of Object.entries(ENDINGS)) {
  test(`a token that no service knows to be ended makes no way in after ${when}`, async () => {
    const person = await robbed();
    await service.holdBroadcast(true);
    // The client asks again by itself: of what is done already some are told so.
    await end(person).catch(() => undefined);
    await service.withToken(person.accessToken).listSessions({});
    for (const [name, change] of Object.entries(changesOf(person, password)))
      await assert.rejects(change(), refused('SESSION_REVOKED'), name);
    assert.deepEqual(await waysInto(person), left);
    await service.holdBroadcast(false);
  });
}

test('nothing lives that is made while the password or the second step is reset', async () => {
  for (const [end, left] of [
    [resetByMail, ['app', 'code']],
    [resetMfa, ['API key', 'address']],
  ] as const) {
    for (let round = 0; round < 3; round += 1) {
      const person = await robbed();
      const { changePassword: _, ...changes } = changesOf(person, PASSWORD);
      const made = Object.values(changes).map((change) => change());
      await Promise.all([end(person), Promise.allSettled(made)]);
      // What the person had before a reset that leaves it, a thief may have added before.
      const found = (await waysInto(person)).filter((way) => !left.some((each) => each === way));
      assert.deepEqual(found, []);
    }
  }
});

test('what waits to become the address is given up by a reset, also when it was asked for before', async () => {
  const person = await robbed();
  const { changeEmail } = changesOf(person, PASSWORD);
  await changeEmail();
  await resetByMail(person);
  const [asked] = await service.mails(`thief_of_${person.handle}@example.org`);
  await assert.rejects(service.as().verifyEmail({ token: asked?.token ?? '' }), refused('EMAIL_TOKEN_INVALID'));
  await service.as().login({ identifier: person.email, password: CHOSEN });
});

test('a device of a sign-in before a reset is not known, though it is noted after it', async () => {
  const person = await robbed();
  const devices = createKnownDevices({ ...service, tagSecrets: [randomBytes(32)] });
  const text = 'select browser_epoch as epoch from accounts where id = $1';
  const [before] = await service.db.query<{ epoch: number }>({ name: 'test-epoch', text }, [person.id]);
  const isKnown = async () => devices.has(person.id, await devices.remember(person.id, '', undefined, before?.epoch));
  assert.equal(await isKnown(), true);
  await resetByMail(person);
  assert.equal(await isKnown(), false);
});
