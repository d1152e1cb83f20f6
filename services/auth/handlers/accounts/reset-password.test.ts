import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS, HOUR_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD } from '../../testing/signers.ts';

const OTHER = 'another walk in the rain 18';

let service: TestAuthService;
before(async () => {
  service = await startAuthService();
});
after(() => service.close());

const forgot = (email: string) => service.as().forgotPassword({ email });
const reset = (token: string, password = OTHER) => service.as().resetPassword({ token, password });
const signIn = (identifier: string, password: string) => service.as().login({ identifier, password, deviceToken: '' });

/** Somebody whose address is verified. */
async function signUp() {
  const person = await service.signUp();
  const email = `${person.handle}@example.org`;
  const [mail] = await service.mails(email);
  await service.as().verifyEmail({ token: mail?.token ?? '' });
  return { ...person, email };
}

async function askedFor(email: string): Promise<string> {
  await forgot(email);
  const mail = (await service.mails(email.toLowerCase())).findLast(({ kind }) => kind === 'RESET_PASSWORD');
  return mail?.token ?? assert.fail('no mail');
}

test('who has forgotten the password chooses another one by a mail; whatever could act for the account ends', async () => {
  const person = await signUp();
  await service.apiKeys(person.accessToken).createApiKey({ name: 'Bot', scopes: ['feed:read'] });
  const { deviceToken } = await signIn(person.email, PASSWORD);
  const token = await askedFor(person.email.toUpperCase());
  assert.deepEqual(await reset(token), {});
  await assert.rejects(service.withToken(person.accessToken).listSessions({}), refused('SESSION_REVOKED'));
  await assert.rejects(service.as().refresh({ refreshToken: person.refreshToken }), refused('REFRESH_TOKEN_INVALID'));
  await assert.rejects(signIn(person.email, PASSWORD), refused('CREDENTIALS_INVALID'));
  // Of what looks the same the owner is told once a day.
  service.clock.advance(DAY_MS);
  const { tokens } = await service.as().login({ identifier: person.email, password: OTHER, deviceToken });
  const told = (await service.mails(person.email)).filter(({ kind }) => kind === 'NEW_DEVICE');
  assert.equal(told.length, 2, 'no device is known any more');
  assert.deepEqual((await service.apiKeys(tokens?.accessToken).listApiKeys({})).apiKeys, []);
  assert.ok((await service.mails(person.email)).some(({ kind }) => kind === 'PASSWORD_CHANGED'));
});

test('a token works once, within an hour, and not when another one or a change was quicker', async () => {
  const person = await signUp();
  const [first, second] = [await askedFor(person.email), await askedFor(person.email)];
  await reset(second);
  for (const used of [first, second]) await assert.rejects(reset(used), refused('PASSWORD_RESET_INVALID'));
  const third = await askedFor(person.email);
  const { tokens } = await signIn(person.handle, OTHER);
  const passwords = { currentPassword: OTHER, newPassword: PASSWORD };
  await service.withToken(tokens?.accessToken ?? '').changePassword(passwords);
  await assert.rejects(reset(third), refused('PASSWORD_RESET_INVALID'));
  const late = await askedFor(person.email);
  service.clock.advance(HOUR_MS);
  await assert.rejects(reset(late), refused('PASSWORD_RESET_INVALID'));
  await signIn(person.handle, PASSWORD);
});

test('who repeats a reset of which not every service has heard is told that it is done', async () => {
  const person = await signUp();
  const token = await askedFor(person.email);
  await service.holdBroadcast(true);
  await assert.rejects(reset(token));
  await service.holdBroadcast(false);
  await assert.rejects(reset(token), /The password was chosen since/);
  await signIn(person.email, OTHER);
});

test('of two resets with one token one counts', async () => {
  const person = await signUp();
  const token = await askedFor(person.email);
  const results = await Promise.allSettled([reset(token), reset(token, `${OTHER} 2`)]);
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('a password that is too weak leaves the token as it is', async () => {
  const person = await signUp();
  const token = await askedFor(person.email);
  for (const weak of ['short', 'password123', person.email])
    await assert.rejects(reset(token, weak), refused('VALIDATION_FAILED', 'password'), weak);
  await reset(token);
});

test('nothing tells whether an address is known: the same is answered, and the same is written', async () => {
  const person = await signUp();
  const unverified = await service.signUp();
  const eventsAfter = async (email: string) => {
    const before = (await service.events()).length;
    assert.deepEqual(await forgot(email), {});
    return (await service.events()).length - before;
  };
  for (const email of [person.email, `${unverified.handle}@example.org`, 'nobody@example.org'])
    assert.equal(await eventsAfter(email), 1, email);
  assert.deepEqual(await service.mails('nobody@example.org'), []);
  const kinds = (await service.mails(`${unverified.handle}@example.org`)).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['VERIFY_EMAIL'], 'an address that may be somebody else’s gets no way in');
  await assert.rejects(forgot('nowhere'), refused('VALIDATION_FAILED', 'email'));
});

test('an address gets five such mails in an hour, and each of them still counts', async () => {
  const person = await signUp();
  for (let time = 0; time < 8; time += 1) await forgot(person.email);
  const mails = (await service.mails(person.email)).filter(({ kind }) => kind === 'RESET_PASSWORD');
  assert.equal(mails.length, 5);
  await reset(mails[0]?.token ?? '');
});

test('what was mailed for something else, or to an address of before, resets nothing', async () => {
  const person = await signUp();
  const [verification] = await service.mails(person.email);
  await assert.rejects(reset(verification?.token ?? ''), refused('PASSWORD_RESET_INVALID'));
  const token = await askedFor(person.email);
  await service.withToken(person.accessToken).changeEmail({ email: 'changed@example.org' });
  const [confirmation] = await service.mails('changed@example.org');
  await service.as().verifyEmail({ token: confirmation?.token ?? '' });
  await assert.rejects(reset(token), refused('PASSWORD_RESET_INVALID'));
  for (const wrong of ['x', 'x'.repeat(64)]) await assert.rejects(reset(wrong), refused('PASSWORD_RESET_INVALID'));
  await assert.rejects(reset('', ''), refused('VALIDATION_FAILED', 'token', 'password'));
});
