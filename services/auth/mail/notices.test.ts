import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS } from '#kit/clock.ts';
import { createKnownDevices } from '../attempts/known-devices.ts';
import { startAuthService, type TestAuthService } from '../testing/auth-service.ts';
import type { TestMail } from '../testing/mails.ts';
import { PASSWORD, type SignedUp } from '../testing/signers.ts';
import { mfaNotice } from './mfa-notice.ts';
import type { MfaChange } from './texts/texts.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

type Verified = SignedUp & { email: string };

async function signUp(): Promise<Verified> {
  const person = await service.signUp();
  const email = `${person.handle}@example.org`;
  const [mail] = await service.mails(email);
  await service.as().verifyEmail({ token: mail?.token ?? '' });
  return { ...person, email };
}

const noticesTo = async ({ email }: Pick<Verified, 'email'>): Promise<TestMail[]> =>
  (await service.mails(email)).filter(({ kind }) => kind !== 'VERIFY_EMAIL');
const kindsTo = async (person: Verified) => (await noticesTo(person)).map(({ kind }) => kind);

const signIn = (identifier: string, deviceToken: string, password = PASSWORD) =>
  service.as().login({ identifier, password, deviceToken });

test('a sign-in on a device that the account does not know is told to its owner, and one on a known device is not', async () => {
  const person = await signUp();
  const { deviceToken } = await signIn(person.handle, '');
  assert.deepEqual(await kindsTo(person), ['NEW_DEVICE']);
  for (const _ of [1, 2]) await signIn(person.handle, deviceToken);
  await assert.rejects(signIn(person.handle, '', 'not the password'));
  assert.deepEqual(await kindsTo(person), ['NEW_DEVICE']);
  const [notice] = await noticesTo(person);
  assert.deepEqual(Object.keys(notice?.params ?? {}).toSorted(), ['network', 'userAgent']);
});

test('of what looks like the same device in the same surroundings the owner is told once a day', async () => {
  const person = await signUp();
  const parts = { db: service.db, mail: service.mail, tagSecrets: [Buffer.alloc(32)], clock: service.clock };
  const devices = createKnownDevices(parts);
  const told = async (ip: string, userAgent: string) => {
    await devices.remember(person.id, '', { requestId: 'test', device: { ip, userAgent } });
    return (await kindsTo(person)).length;
  };
  const firefox = (version: number) => `Mozilla/5.0 (X11; Linux x86_64) Firefox/${version}.0`;
  assert.equal(await told('203.0.113.7', 'reader/1'), 1);
  assert.equal(await told('203.0.113.8', 'reader/1'), 1);
  assert.equal(await told('203.0.113.8', firefox(140)), 2);
  assert.equal(await told('203.0.113.8', firefox(141)), 2);
  assert.equal(await told('2001:db8:1:2::7', 'reader/1'), 3);
  assert.equal(await told('2001:db8:1:3::7', 'reader/1'), 3);
  assert.equal(await told('2001:db8:2:3::7', 'reader/1'), 4);
  service.clock.advance(DAY_MS);
  assert.equal(await told('203.0.113.7', 'reader/1'), 5);
});

test('an address that nobody has verified is told nothing', async () => {
  const person = await service.signUp();
  await signIn(person.handle, '');
  await service.internal('user').disableAccount({ userId: person.id, locale: '' });
  assert.deepEqual(await noticesTo({ email: `${person.handle}@example.org` }), []);
});

test('an app that is let in for the first time is told, by its name, and again when it comes back after its consent was taken back', async () => {
  const person = await signUp();
  const client = {
    name: 'test-client',
    text: 'insert into oauth_clients (id, metadata, created_at_ms) values ($1, $2, 0)',
  };
  await service.db.query(client, ['reader', JSON.stringify({ client_name: 'My reader' })]);
  const { consents } = service.oauth;
  const parties = { accountId: person.id, clientId: 'reader' };
  const record = (granted: string[]) => consents.record(parties, { granted, refused: [] }, { requestId: 'test' });
  await record(['feed:read']);
  service.clock.advance(1_000);
  await record(['feed:read', 'posts:read']);
  const [notice, ...others] = await noticesTo(person);
  assert.deepEqual([notice?.kind, notice?.params.app, others], ['NEW_APP', 'My reader', []]);
  await consents.revoke(parties, { requestId: 'test' });
  service.clock.advance(1_000);
  await record(['feed:read']);
  assert.deepEqual(await kindsTo(person), ['NEW_APP', 'NEW_APP']);
});

test('a way to sign in that was added is told, whatever else was told within the hour', async () => {
  const person = await signUp();
  const notify = (change: MfaChange) =>
    service.db.transaction((tx) => service.mail.notify(tx, mfaNotice(person.id, change), { requestId: 'test' }));
  for (let time = 0; time < 22; time += 1) await notify('PASSKEY_REMOVED');
  assert.equal((await kindsTo(person)).length, 20);
  await notify('PASSKEY_ADDED');
  await notify('TOTP_ADDED');
  await notify('TOTP_REMOVED');
  const changes = (await noticesTo(person)).map(({ params }) => params.change);
  assert.deepEqual(changes.slice(20), ['PASSKEY_ADDED', 'TOTP_ADDED']);
});

test('who deletes an account hears of it once, in the language of the profile; nothing else is sent any more', async () => {
  const person = await signUp();
  await service.as().forgotPassword({ email: person.email });
  const disable = () => service.internal('user').disableAccount({ userId: person.id, locale: 'vi-VN' });
  await disable();
  await disable();
  const mails = await service.mails(person.email);
  assert.deepEqual(
    mails.map(({ kind, locale }) => [kind, locale]),
    [['ACCOUNT_DELETED', 'vi']],
  );
});
