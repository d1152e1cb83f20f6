import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { Metadata } from 'nice-grpc';
import { Session_Factor as Factor } from '#gen/oxo/auth/v1/auth.ts';
import { HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import { refused } from '#kit/testing/refused.ts';
import { until } from '#kit/testing/until.ts';
import { amrOf } from '../../sessions/factors.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { codeOf } from '../../testing/authenticator-app.ts';
import { addPasskey, assertionMessage, PASSKEY_SITE, PASSKEY_URL, signedBy } from '../../testing/passkeys.ts';
import { signInsDuring } from '../../testing/sign-ins.ts';
import { PASSWORD, type SignedUp } from '../../testing/signers.ts';
import { createAuthenticator, type Faults, type SoftwareAuthenticator } from '../../testing/software-authenticator.ts';

const [HOME, CAFE] = ['203.0.113.1', '203.0.113.3'];
let service: TestAuthService;
before(async () => {
  service = await startAuthService({
    publicUrl: PASSKEY_URL,
    allowances: {
      passkeyOfCredentialFromNetwork: { attempts: 3, windowMs: HOUR_MS },
      passkeyUnknownFromNetwork: { attempts: 2, windowMs: HOUR_MS },
      passkeyFromNetwork: { attempts: 5, windowMs: HOUR_MS },
    },
  });
});
after(() => service.close());

interface WithPasskey extends SignedUp {
  authenticator: SoftwareAuthenticator;
  passkeyId: string;
}

/** Somebody with a passkey, at a device that is known. */
async function signUp(counts = true): Promise<WithPasskey> {
  const person = await service.signUp();
  const made = createAuthenticator(PASSKEY_SITE, counts);
  const { authenticator, id } = await addPasskey(service.passkeys(person.accessToken), { authenticator: made });
  return { ...person, authenticator, passkeyId: id };
}

/** Each from a network of its own: those that fail are counted. */
let networks = 0;
function finish(credential: ReturnType<typeof assertionMessage>, { ip = '', deviceToken = '' } = {}) {
  networks += 1;
  const from = ip === '' ? `198.51.${networks >> 8}.${networks & 255}` : ip;
  const metadata = Metadata({ 'x-forwarded-for': from });
  return service.passkeys().finishPasskeySignIn({ credential, deviceToken }, { metadata });
}

async function signIn({ authenticator }: WithPasskey, faults: Faults = {}, from = {}) {
  return finish(await signedBy(service.passkeys(), authenticator, faults), from);
}

async function refusalsOf({ id }: SignedUp): Promise<string[]> {
  const statement = {
    name: 'test-refused-sign-ins',
    text: `select details->>'why' as why from audit.log
      where account_id = $1 and action = 'SIGN_IN' and outcome = 'REFUSED' order by at_ms, id`,
  };
  return (await service.db.query<{ why: string }>(statement, [id])).map(({ why }) => why);
}

describe('a sign-in by a passkey', () => {
  it('is counted', async () => {
    const person = await signUp();
    const counted = await signInsDuring(service.metrics, async () => {
      const credential = await signedBy(service.passkeys(), person.authenticator, {});
      await finish(credential);
      await assert.rejects(finish(credential), refused('PASSKEY_INVALID'), 'once');
    });
    assert.deepEqual(counted, { 'passkey ok': 1, 'passkey refused': 1 });
  });

  it('asks for nothing else, and says by what it was', async () => {
    const person = await signUp();
    const { secret } = await service.mfa(person.accessToken).enrolTotp({});
    await service.mfa(person.accessToken).confirmTotp({ otp: codeOf(secret, service.clock.nowMs()) });
    service.clock.advance(MINUTE_MS);
    const fromMs = service.clock.nowMs();
    const { user, tokens } = await signIn(person);
    const toMs = service.clock.nowMs();
    assert.deepEqual([user?.id, user?.handle], [person.id, person.handle]);
    const token = tokens?.accessToken ?? '';
    assert.equal((await service.verifier.verifyUser(token)).userId, person.id);
    assert.equal(typeof decodeJwt<{ auth_time: number }>(token).auth_time, 'number');
    const { sessions } = await service.withToken(token).listSessions({});
    assert.deepEqual(sessions.find(({ current }) => current)?.factors, [Factor.PASSKEY]);
    assert.deepEqual(amrOf(['PASSKEY']), ['hwk']);
    assert.notEqual((await service.as().refresh({ refreshToken: tokens?.refreshToken ?? '' })).tokens, undefined);
    const [passkey] = (await service.passkeys(token).listPasskeys({})).passkeys;
    const lastUsedAtMs = passkey?.lastUsedAt?.getTime() ?? 0;
    assert.ok(fromMs <= lastUsedAtMs && lastUsedAtMs <= toMs, String(passkey?.lastUsedAt));
    const entry = {
      name: 'test-sign-ins',
      text: `select details->>'factors' as factors, actor_id as actor from audit.log
        where account_id = $1 and action = 'SIGN_IN' and outcome = 'SUCCEEDED'`,
    };
    assert.deepEqual(await service.db.query(entry, [person.id]), [{ factors: 'PASSKEY', actor: person.id }]);
  });

  it('tells whether the passkey is backed up now', async () => {
    const person = await signUp();
    for (const isNotBackedUp of [true, false]) {
      await signIn(person, { isNotBackedUp });
      const [passkey] = (await service.passkeys(person.accessToken).listPasskeys({})).passkeys;
      assert.equal(passkey?.backedUp, !isNotBackedUp);
    }
  });

  it('begins the same for everybody', async () => {
    const { options = assert.fail() } = await service.passkeys().beginPasskeySignIn({});
    const { challenge, ...rest } = options;
    assert.equal(Buffer.from(challenge, 'base64url').length, 38);
    assert.deepEqual(rest, {
      ...{ timeout: 5 * MINUTE_MS, rpId: 'localhost', allowCredentials: [], userVerification: 'required' },
    });
  });

  it('knows the device from then on, and tells the owner of a new one', async () => {
    const person = await signUp();
    const email = `${person.handle}@example.org`;
    const [mail] = await service.mails(email);
    await service.as().verifyEmail({ token: mail?.token ?? '' });
    const notices = async () => (await service.mails(email)).filter(({ kind }) => kind === 'NEW_DEVICE').length;
    const { deviceToken } = await signIn(person, {}, { deviceToken: person.deviceToken });
    assert.deepEqual([deviceToken, await notices()], [person.deviceToken, 0]);
    const { deviceToken: other } = await signIn(person);
    assert.notEqual(other, person.deviceToken);
    assert.equal(await notices(), 1);
    await signIn(person, {}, { deviceToken: other });
    assert.equal(await notices(), 1);
  });

  it('is by an authenticator that counts, or by one that does not', async () => {
    for (const counts of [true, false]) {
      const person = await signUp(counts);
      await signIn(person);
      assert.equal((await signIn(person)).user?.id, person.id);
    }
  });
});

describe('a sign-in by a passkey is refused', () => {
  const other = createAuthenticator(PASSKEY_SITE);
  const faults: Record<string, Faults> = {
    'at another site': { origin: 'https://localhost:8080' },
    'in a frame of another site': { crossOrigin: true },
    'below another site': { topOrigin: 'https://other.example' },
    'for another site': { rpId: 'oxo.example' },
    'whose authenticator has not asked who holds it': { isUnverified: true },
    'that another key has signed': { forged: true },
    'for another challenge': { challenge: Buffer.alloc(38, 7).toString('base64url') },
    'of another person': { userHandle: Buffer.alloc(32, 7).toString('base64url') },
    'by what is a registration': { type: 'webauthn.create' },
  };
  for (const [what, wrong] of Object.entries(faults)) {
    it(what, async () => {
      const person = await signUp();
      await assert.rejects(signIn(person, wrong), refused('PASSKEY_INVALID'));
      await until('the refusal is told', async () => (await refusalsOf(person)).length > 0);
      assert.deepEqual(await refusalsOf(person), ['passkey']);
      assert.equal((await signIn(person)).user?.id, person.id, 'the passkey itself goes on');
    });
  }

  it('of which we have never heard', async () => {
    const signed = await signedBy(service.passkeys(), other, { userHandle: 'AAAA' });
    await assert.rejects(finish(signed), refused('PASSKEY_INVALID'));
  });

  it('whose counter is behind, since there are two of it then', async () => {
    const person = await signUp();
    await signIn(person, { counter: 7 });
    for (const counter of [7, 6, 0]) await assert.rejects(signIn(person, { counter }), refused('PASSKEY_INVALID'));
    await until('the first of its kind is told', async () => (await refusalsOf(person)).length > 0);
    assert.deepEqual(new Set(await refusalsOf(person)), new Set(['counter']));
    assert.equal((await signIn(person, { counter: 8 })).user?.id, person.id);
  });

  it('that was used, however many use it at once', async () => {
    const person = await signUp(false);
    const signed = await signedBy(service.passkeys(), person.authenticator);
    const outcomes = await Promise.allSettled([finish(signed), finish(signed), finish(signed)]);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    await assert.rejects(finish(signed), refused('PASSKEY_INVALID'));
    const sessions = { name: 'test-sessions-of', text: 'select 1 from sessions where account_id = $1' };
    assert.equal((await service.db.query(sessions, [person.id])).length, 2, 'with that of the registration');
  });

  it('when it is more than five minutes old', async () => {
    const person = await signUp();
    const signed = await signedBy(service.passkeys(), person.authenticator);
    service.clock.advance(5 * MINUTE_MS);
    await assert.rejects(finish(signed), refused('PASSKEY_INVALID'));
  });

  it('by a challenge of a registration', async () => {
    const person = await signUp();
    const { options = assert.fail() } = await service.passkeys(person.accessToken).beginPasskeyRegistration({});
    await assert.rejects(finish(assertionMessage(person.authenticator.get(options))), refused('PASSKEY_INVALID'));
  });

  it('when it was deleted, or the account was ended', async () => {
    const [person, ended] = [await signUp(), await signUp()];
    await service.passkeys(person.accessToken).deletePasskey({ id: person.passkeyId });
    await assert.rejects(signIn(person), refused('PASSKEY_INVALID'));
    await service.internal('user').disableAccount({ userId: ended.id });
    await assert.rejects(signIn(ended), refused('PASSKEY_INVALID'));
  });

  it('when all sessions were ended while it was under way, or it was deleted', async () => {
    const [person, other] = [await signUp(), await signUp()];
    const signed = await signedBy(service.passkeys(), person.authenticator);
    const lock = { name: 'test-lock-account', text: 'select 1 from accounts where id = any ($1) for update' };
    const pending: Promise<unknown>[] = [];
    await service.db.transaction(async (tx) => {
      await tx.query(lock, [[person.id, other.id]]);
      pending.push(assert.rejects(finish(signed), refused('PASSKEY_INVALID')));
      pending.push(assert.rejects(signIn(other), refused('PASSKEY_INVALID')));
      const waiting = {
        name: 'test-waiting',
        text: `select count(*)::int as count from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock'`,
      };
      await until(
        'both wait for the lock',
        async () => (await service.db.query<{ count: number }>(waiting))[0]?.count === 2,
      );
      const next = {
        name: 'test-next-epoch',
        text: 'update accounts set browser_epoch = browser_epoch + 1 where id = $1',
      };
      await tx.query(next, [person.id]);
      await tx.query({ name: 'test-delete-passkeys', text: 'delete from passkeys where account_id = $1' }, [other.id]);
    });
    await Promise.all(pending);
    assert.equal((await signIn(person)).user?.id, person.id);
  });

  it('after too many that were wrong, and right ones are not counted', async () => {
    const person = await signUp();
    for (let time = 0; time < 5; time += 1) await signIn(person, {}, { ip: HOME });
    const wrong = () => signIn(person, { forged: true }, { ip: HOME });
    for (let time = 0; time < 3; time += 1) await assert.rejects(wrong(), refused('PASSKEY_INVALID'));
    await assert.rejects(signIn(person, {}, { ip: HOME }), refused('RATE_LIMITED'));
    assert.equal((await signIn(person, {}, { ip: CAFE })).user?.id, person.id);
    const [neighbour, third] = [await signUp(), await signUp()];
    assert.equal((await signIn(neighbour, {}, { ip: HOME })).user?.id, neighbour.id, 'others go on there');
    for (let time = 0; time < 2; time += 1)
      await assert.rejects(signIn(neighbour, { forged: true }, { ip: HOME }), refused('PASSKEY_INVALID'));
    await assert.rejects(signIn(third, {}, { ip: HOME }), refused('RATE_LIMITED'));
    const { deviceToken } = person;
    assert.equal((await signIn(person, {}, { ip: HOME, deviceToken })).user?.id, person.id, 'its own device goes on');
    const stranger = { ip: HOME, deviceToken: third.deviceToken };
    await assert.rejects(signIn(person, {}, stranger), refused('RATE_LIMITED'));
  });

  it('of which we have never heard, too often, and keeps out nobody who has one', async () => {
    const [person, ip] = [await signUp(), '203.0.113.7'];
    const junk = async () => finish(await signedBy(service.passkeys(), other, { userHandle: 'AAAA' }), { ip });
    for (let time = 0; time < 2; time += 1) await assert.rejects(junk(), refused('PASSKEY_INVALID'));
    await assert.rejects(junk(), refused('RATE_LIMITED'));
    assert.equal((await signIn(person, {}, { ip })).user?.id, person.id);
  });

  it('by what is no credential at all, which is named', async () => {
    const passkeys = service.passkeys();
    const call = (credential: Parameters<typeof finish>[0] | undefined, deviceToken = '') =>
      passkeys.finishPasskeySignIn({ credential, deviceToken });
    await assert.rejects(call(undefined, 'x'.repeat(257)), refused('VALIDATION_FAILED', 'credential', 'deviceToken'));
    const response = { clientDataJson: 'AA=', authenticatorData: '', signature: 'A', userHandle: 'A'.repeat(129) };
    const fields = ['id', 'response.clientDataJSON', 'response.authenticatorData', 'response.userHandle'];
    await assert.rejects(
      call({ id: 'ä', response }),
      refused('VALIDATION_FAILED', ...fields.map((field) => `credential.${field}`)),
    );
  });
});

describe('what is kept of sign-ins by passkeys', () => {
  it('is what was signed, until it is too old anyway', async () => {
    const kept = { name: 'test-used-tokens', text: 'select id from used_tokens' };
    service.clock.advance(HOUR_MS);
    await service.background('clean-up of used tokens');
    assert.equal((await service.db.query(kept)).length, 0);
    const person = await signUp();
    const before = (await service.db.query(kept)).length;
    for (let time = 0; time < 3; time += 1) await service.passkeys().beginPasskeySignIn({});
    assert.equal((await service.db.query(kept)).length, before, 'of what is only begun nothing is kept');
    const signed = await signedBy(service.passkeys(), person.authenticator);
    await finish(signed);
    assert.equal((await service.db.query(kept)).length, before + 1);
    service.clock.advance(5 * MINUTE_MS - 1);
    await service.background('clean-up of used tokens');
    await assert.rejects(finish(signed), refused('PASSKEY_INVALID'));
  });

  it('goes with a password that is set anew by mail', async () => {
    const person = await signUp();
    const email = `${person.handle}@example.org`;
    const tokenOf = async (wanted: string) =>
      (await service.mails(email)).findLast(({ kind }) => kind === wanted)?.token;
    await service.as().verifyEmail({ token: (await tokenOf('VERIFY_EMAIL')) ?? '' });
    await service.as().forgotPassword({ email });
    await service.as().resetPassword({ token: (await tokenOf('RESET_PASSWORD')) ?? '', password: `${PASSWORD} anew` });
    await assert.rejects(signIn(person), refused('PASSKEY_INVALID'));
    const changes = (await service.mails(email)).filter(({ kind }) => kind === 'MFA_CHANGED');
    assert.deepEqual(
      changes.map(({ params: { change } }) => change),
      ['PASSKEY_REMOVED'],
    );
    const entry = {
      name: 'test-resets',
      text: `select details->>'passkeys' as passkeys from audit.log where account_id = $1 and action = 'RESET_PASSWORD'`,
    };
    assert.deepEqual(await service.db.query(entry, [person.id]), [{ passkeys: '1' }]);
  });

  it('goes with a reset by the operator', async () => {
    const person = await signUp();
    assert.deepEqual(await service.operator().resetMfa({ handle: person.handle }), {
      ...{ userId: person.id, changed: true },
    });
    await assert.rejects(signIn(person), refused('PASSKEY_INVALID'));
    const { tokens } = await service.as().login({ identifier: person.handle, password: PASSWORD });
    assert.deepEqual((await service.passkeys(tokens?.accessToken ?? '').listPasskeys({})).passkeys, []);
  });
});
