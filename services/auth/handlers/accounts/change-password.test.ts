import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DAY_MS, MINUTE_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { PASSWORD, type SignedUp } from '../../testing/signers.ts';

const OTHER = 'another walk in the rain 18';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ allowances: { confirmOfSession: { attempts: 5, windowMs: MINUTE_MS } } });
});
after(() => service.close());

const change = ({ accessToken }: Pick<SignedUp, 'accessToken'>, currentPassword = PASSWORD, newPassword = OTHER) =>
  service.withToken(accessToken).changePassword({ currentPassword, newPassword });
const signIn = (identifier: string, password: string) => service.as().login({ identifier, password, deviceToken: '' });

test('the new password signs in and the former does not; all other sessions end, this one and API keys go on', async () => {
  const person = await service.signUp();
  const [mail] = await service.mails(`${person.handle}@example.org`);
  await service.as().verifyEmail({ token: mail?.token ?? '' });
  const other = await signIn(person.handle, PASSWORD);
  await service.apiKeys(person.accessToken).createApiKey({ name: 'Bot', scopes: ['feed:read'] });
  await change(person);
  await assert.rejects(service.withToken(other.tokens?.accessToken ?? '').listSessions({}), refused('SESSION_REVOKED'));
  const { sessions } = await service.withToken(person.accessToken).listSessions({});
  assert.equal(sessions.length, 1);
  assert.equal((await service.apiKeys(person.accessToken).listApiKeys({})).apiKeys.length, 1);
  await assert.rejects(signIn(person.handle, PASSWORD), refused('CREDENTIALS_INVALID'));
  await signIn(person.handle, OTHER);
  const kinds = (await service.mails(`${person.handle}@example.org`)).map(({ kind }) => kind);
  assert.ok(kinds.includes('PASSWORD_CHANGED'), kinds.join());
});

test('devices that the account knows are new again: a sign-in on them is told', async () => {
  const person = await service.signUp();
  const email = `${person.handle}@example.org`;
  const [mail] = await service.mails(email);
  await service.as().verifyEmail({ token: mail?.token ?? '' });
  const { deviceToken } = await signIn(person.handle, PASSWORD);
  await change(person);
  // Of what looks the same the owner is told once a day.
  service.clock.advance(DAY_MS);
  await service.as().login({ identifier: person.handle, password: OTHER, deviceToken });
  const told = (await service.mails(email)).filter(({ kind }) => kind === 'NEW_DEVICE');
  assert.equal(told.length, 2);
});

test('an address that nobody has verified hears of nothing', async () => {
  const person = await service.signUp();
  await change(person);
  assert.deepEqual(
    (await service.mails(`${person.handle}@example.org`)).map(({ kind }) => kind),
    ['VERIFY_EMAIL'],
  );
});

test('who does not know the password changes nothing, and may not try on and on', async () => {
  const person = await service.signUp();
  for (let time = 0; time < 5; time += 1)
    await assert.rejects(change(person, `wrong password ${time}`), refused('CREDENTIALS_INVALID'));
  await assert.rejects(change(person), refused('RATE_LIMITED'));
  await signIn(person.handle, PASSWORD);
});

test('a new password is as good as one of a registration, and is another one', async () => {
  const person = await service.signUp();
  const weak = ['', 'short', 'password123', 'aaaaaaaaaaaa', `${person.handle}@example.org`, 'x'.repeat(257)];
  for (const password of weak)
    await assert.rejects(change(person, PASSWORD, password), refused('VALIDATION_FAILED', 'newPassword'), password);
  await assert.rejects(change(person, PASSWORD, PASSWORD), refused('VALIDATION_FAILED', 'newPassword'));
  await assert.rejects(change(person, '', ''), refused('VALIDATION_FAILED', 'currentPassword', 'newPassword'));
  await assert.rejects(
    service.as().changePassword({ currentPassword: PASSWORD, newPassword: OTHER }),
    refused('TOKEN_MISSING'),
  );
});

test('of two changes at once one counts', async () => {
  const person = await service.signUp();
  const results = await Promise.allSettled([change(person), change(person, PASSWORD, `${OTHER} 2`)]);
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('a sign-in with the former password that is under way gets in nowhere', async () => {
  for (let round = 0; round < 3; round += 1) {
    const person = await service.signUp();
    const [, entered] = await Promise.allSettled([change(person), signIn(person.handle, PASSWORD)]);
    if (entered.status === 'rejected') assert.ok(refused('CREDENTIALS_INVALID')(entered.reason));
    else {
      const token = entered.value.tokens?.accessToken ?? '';
      await assert.rejects(service.withToken(token).listSessions({}), refused('SESSION_REVOKED'));
    }
  }
});
