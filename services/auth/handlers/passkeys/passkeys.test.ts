import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import { newId } from '#kit/ids.ts';
import { explain } from '#kit/testing/explain.ts';
import { refused } from '#kit/testing/refused.ts';
import { LIST, MAX_PASSKEYS_PER_ACCOUNT } from '../../passkeys/statements.ts';
import { startAuthService, type TestAuthService } from '../../testing/auth-service.ts';
import { addPasskey, attestationMessage, PASSKEY_SITE, PASSKEY_URL } from '../../testing/passkeys.ts';
import type { SignedUp } from '../../testing/signers.ts';
import { createAuthenticator, type Faults, foreignKey, rsaKey } from '../../testing/software-authenticator.ts';

let service: TestAuthService;
before(async () => {
  service = await startAuthService({ publicUrl: PASSKEY_URL });
});
after(() => service.close());

const of = ({ accessToken }: SignedUp) => service.passkeys(accessToken);

async function actionsOf({ id }: SignedUp): Promise<string[]> {
  const statement = {
    name: 'test-passkey-actions',
    text: `select action || ' ' || (details->>'passkey') as line from audit.log
      where account_id = $1 and action like '%PASSKEY' order by at_ms, id`,
  };
  return (await service.db.query<{ line: string }>(statement, [id])).map(({ line }) => line);
}

/** Somebody whose address is verified, so that notices go there. */
async function signUpVerified(): Promise<SignedUp & { email: string }> {
  const person = await service.signUp();
  const email = `${person.handle}@example.org`;
  const [mail] = await service.mails(email);
  await service.as().verifyEmail({ token: mail?.token ?? '' });
  return { ...person, email };
}

/** Passkeys of other accounts, 2,000 of each. */
async function insertMany(): Promise<void> {
  const many = [
    `insert into passkeys (id, account_id, credential_id, public_key, counter, transports, name, is_backed_up, created_at_ms)
      select gen_random_uuid(), accounts.id, sha256(convert_to(accounts.id || ' ' || n, 'utf8')), 'x', 0, '{}', 'many', false, n
      from (select id from accounts where not exists (select from passkeys where account_id = accounts.id) limit 3) as accounts,
        generate_series(1, 2000) as n`,
    'analyze passkeys',
  ];
  for (const [number, text] of many.entries()) await service.db.query({ name: `test-many-${number}`, text });
}

describe('a passkey', () => {
  it('is made, listed, renamed and deleted, and its owner hears of it', async () => {
    const person = await signUpVerified();
    const fromMs = service.clock.nowMs();
    const { id } = await addPasskey(of(person), { name: 'my phone' });
    const toMs = service.clock.nowMs();
    const { passkeys } = await of(person).listPasskeys({});
    const [passkey = assert.fail()] = passkeys;
    const { createdAt, ...rest } = passkey;
    assert.deepEqual(
      [passkeys.length, rest],
      [1, { id, name: 'my phone', backedUp: true, transports: ['internal', 'hybrid'], lastUsedAt: undefined }],
    );
    const createdAtMs = createdAt?.getTime() ?? 0;
    assert.ok(fromMs <= createdAtMs && createdAtMs <= toMs, String(createdAt));
    assert.equal((await service.mfa(person.accessToken).getMfa({})).mfa?.passkeys, 1);

    assert.equal((await of(person).renamePasskey({ id, name: 'old phone' })).passkey?.name, 'old phone');
    assert.equal((await of(person).listPasskeys({})).passkeys[0]?.name, 'old phone');
    await of(person).deletePasskey({ id });
    assert.deepEqual((await of(person).listPasskeys({})).passkeys, []);
    await assert.rejects(of(person).deletePasskey({ id }), refused('PASSKEY_NOT_FOUND'));
    assert.equal((await service.mfa(person.accessToken).getMfa({})).mfa?.passkeys, 0);
    assert.deepEqual(await actionsOf(person), [`ADD_PASSKEY ${id}`, `DELETE_PASSKEY ${id}`]);
    const notices = (await service.mails(person.email)).filter(({ kind }) => kind === 'MFA_CHANGED');
    assert.deepEqual(
      notices.map(({ params: { change } }) => change),
      ['PASSKEY_ADDED', 'PASSKEY_REMOVED'],
    );
  });

  it('is begun with what a browser takes, which tells nobody whose it is', async () => {
    const person = await service.signUp({ displayName: 'Ada' });
    const first = await addPasskey(of(person));
    const { options = assert.fail() } = await of(person).beginPasskeyRegistration({});
    const { challenge, user, ...rest } = options;
    assert.deepEqual([user?.name, user?.displayName], [person.handle, 'Ada']);
    assert.ok(!Buffer.from(user?.id ?? '', 'base64url').includes(Buffer.from(person.id.replaceAll('-', ''), 'hex')));
    assert.equal(Buffer.from(user?.id ?? '', 'base64url').length, 32);
    assert.deepEqual(rest, {
      rp: { id: 'localhost', name: 'OXO' },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ alg, type: 'public-key' })),
      timeout: 5 * MINUTE_MS,
      excludeCredentials: [{ id: first.authenticator.id, type: 'public-key', transports: ['internal', 'hybrid'] }],
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    });
    const again = await of(person).beginPasskeyRegistration({});
    assert.notEqual(again.options?.challenge, challenge);
    assert.equal(again.options?.user?.id, user?.id);
  });

  it('is added once, however often the answer is lost', async () => {
    const person = await signUpVerified();
    const authenticator = createAuthenticator(PASSKEY_SITE);
    const { options = assert.fail() } = await of(person).beginPasskeyRegistration({});
    const request = { name: 'phone', credential: attestationMessage(authenticator.create(options)) };
    const answers = await Promise.all([1, 2, 3].map(() => of(person).finishPasskeyRegistration(request)));
    assert.equal(new Set(answers.map(({ passkey }) => passkey?.id)).size, 1);
    assert.equal((await actionsOf(person)).length, 1);
    assert.equal((await service.mails(person.email)).filter(({ kind }) => kind === 'MFA_CHANGED').length, 1);
    // What was used counts no more, for whatever else is made with it.
    await of(person).deletePasskey({ id: answers[0]?.passkey?.id ?? '' });
    await assert.rejects(of(person).finishPasskeyRegistration(request), refused('PASSKEY_INVALID'));
  });

  it('is listed, the newest first, from an index', async () => {
    const person = await service.signUp();
    for (const name of ['first', 'second', 'third']) {
      await addPasskey(of(person), { name });
      service.clock.advance(SECOND_MS);
    }
    const { passkeys } = await of(person).listPasskeys({});
    assert.deepEqual(
      passkeys.map(({ name }) => name),
      ['third', 'second', 'first'],
    );
    await insertMany();
    const scans = await explain(service.db, LIST, [person.id]);
    assert.equal(scans.length, 1);
    for (const scan of scans) {
      assert.match(scan['Node Type'], /^(Bitmap )?(Index|Heap)/);
      assert.deepEqual([scan['Actual Rows'] * scan['Actual Loops'], scan['Rows Removed by Filter']], [3, undefined]);
    }
  });

  it('of another account stays where it is', async () => {
    const [person, other] = [await service.signUp(), await service.signUp()];
    const { id, authenticator } = await addPasskey(of(other));
    await assert.rejects(of(person).deletePasskey({ id }), refused('PASSKEY_NOT_FOUND'));
    await assert.rejects(of(person).renamePasskey({ id, name: 'mine' }), refused('PASSKEY_NOT_FOUND'));
    await assert.rejects(addPasskey(of(person), { authenticator }), refused('PASSKEY_INVALID'));
    assert.equal((await of(other).listPasskeys({})).passkeys.length, 1);
    assert.equal((await of(person).listPasskeys({})).passkeys.length, 0);
  });

  it('has a key of an algorithm that was asked for, of 1,024 bytes at most', async () => {
    const person = await service.signUp();
    await addPasskey(of(person), { faults: { publicKey: rsaKey(1_024) } });
    for (const publicKey of [rsaKey(1_025), foreignKey()])
      await assert.rejects(addPasskey(of(person), { faults: { publicKey } }), refused('PASSKEY_INVALID'));
    assert.equal((await of(person).listPasskeys({})).passkeys.length, 1);
  });

  it('is one of twenty at most', async () => {
    const person = await service.signUp();
    const late = await of(person).beginPasskeyRegistration({});
    for (let count = 0; count < MAX_PASSKEYS_PER_ACCOUNT; count += 1) await addPasskey(of(person));
    await assert.rejects(of(person).beginPasskeyRegistration({}), refused('PASSKEY_LIMIT_REACHED'));
    const made = createAuthenticator(PASSKEY_SITE).create(late.options ?? assert.fail());
    const credential = attestationMessage(made);
    const tooMany = of(person).finishPasskeyRegistration({ name: 'one more', credential });
    await assert.rejects(tooMany, refused('PASSKEY_LIMIT_REACHED'));
  });

  it('goes with the account', async () => {
    const person = await service.signUp();
    await addPasskey(of(person));
    const left = { name: 'test-passkeys-of', text: 'select 1 from passkeys where account_id = $1' };
    assert.equal((await service.db.query(left, [person.id])).length, 1);
    await service.db.query({ name: 'test-erase-account', text: 'delete from accounts where id = $1' }, [person.id]);
    assert.equal((await service.db.query(left, [person.id])).length, 0);
    await assert.rejects(of(person).beginPasskeyRegistration({}), refused('SESSION_REVOKED'));
  });
});

describe('a passkey is not added', () => {
  const faults: Record<string, Faults> = {
    'that was made at another site': { origin: 'https://evil.example' },
    'that was made for another site': { rpId: 'evil.example' },
    'whose authenticator has not asked who holds it': { isUnverified: true },
    'that signs another challenge': { challenge: Buffer.alloc(38, 7).toString('base64url') },
    'that signs no challenge': { challenge: '' },
    'by what is a sign-in': { type: 'webauthn.get' },
  };
  for (const [what, wrong] of Object.entries(faults)) {
    it(what, async () => {
      const person = await service.signUp();
      await assert.rejects(addPasskey(of(person), { faults: wrong }), refused('PASSKEY_INVALID'));
      assert.deepEqual((await of(person).listPasskeys({})).passkeys, []);
    });
  }

  it('by what another person, or another session, has begun, or a sign-in', async () => {
    const [person, other] = [await service.signUp(), await service.signUp()];
    const elsewhere = await service.signIn(person.id);
    const { options: forSignIn } = await service.passkeys().beginPasskeySignIn({});
    const begun = [
      (await of(other).beginPasskeyRegistration({})).options?.challenge,
      (await of(elsewhere).beginPasskeyRegistration({})).options?.challenge,
      forSignIn?.challenge,
    ];
    for (const challenge of begun) {
      const credential = attestationMessage(createAuthenticator(PASSKEY_SITE).create({ challenge: challenge ?? '' }));
      const finished = of(person).finishPasskeyRegistration({ name: 'phone', credential });
      await assert.rejects(finished, refused('PASSKEY_INVALID'));
    }
  });

  it('by what was begun more than five minutes ago', async () => {
    const person = await service.signUp();
    const { options = assert.fail() } = await of(person).beginPasskeyRegistration({});
    const credential = attestationMessage(createAuthenticator(PASSKEY_SITE).create(options));
    service.clock.advance(5 * MINUTE_MS);
    const late = of(person).finishPasskeyRegistration({ name: 'phone', credential });
    await assert.rejects(late, refused('PASSKEY_INVALID'));
  });

  it('of what is no credential at all', async () => {
    const person = await service.signUp();
    const { options = assert.fail() } = await of(person).beginPasskeyRegistration({});
    const right = attestationMessage(createAuthenticator(PASSKEY_SITE).create(options));
    const response = right.response ?? assert.fail();
    for (const attestationObject of ['AAAA', 'oA', Buffer.alloc(9_000, 0x81).toString('base64url')]) {
      const credential = { ...right, response: { ...response, attestationObject } };
      const finished = of(person).finishPasskeyRegistration({ name: 'phone', credential });
      await assert.rejects(finished, refused('PASSKEY_INVALID'));
    }
    const [name, clientDataJson] = ['phone', '{"type":"webauthn.create"}'];
    const field = (finished: Promise<unknown>, ...fields: string[]) =>
      assert.rejects(finished, refused('VALIDATION_FAILED', ...fields));
    await field(of(person).finishPasskeyRegistration({ name, credential: undefined }), 'credential');
    await field(
      of(person).finishPasskeyRegistration({ name: '', credential: { id: 'A', response: undefined } }),
      'name',
      'credential.response',
    );
    await field(
      of(person).finishPasskeyRegistration({ name, credential: { id: '', response: { ...response, clientDataJson } } }),
      'credential.id',
      'credential.response.clientDataJSON',
    );
    const transports = Array.from({ length: 9 }, () => 'usb');
    await field(
      of(person).finishPasskeyRegistration({ name, credential: { ...right, response: { ...response, transports } } }),
      'credential.response.transports',
    );
    await field(of(person).renamePasskey({ id: 'x', name: 'n'.repeat(61) }), 'id', 'name');
    await field(of(person).deletePasskey({ id: 'x' }), 'id');
  });

  it('by a sign-in from long ago, which sees and renames them', async () => {
    const person = await service.signUp();
    const { id } = await addPasskey(of(person));
    const signedInAtMs = service.clock.nowMs() - 15 * MINUTE_MS - SECOND_MS;
    const { token } = await service.issuer.accessToken({ accountId: person.id, sessionId: newId(0), signedInAtMs });
    const old = service.passkeys(token);
    const calls = [
      () => old.beginPasskeyRegistration({}),
      () => old.finishPasskeyRegistration({ name: 'phone', credential: undefined }),
      () => old.deletePasskey({ id }),
    ];
    for (const call of calls) await assert.rejects(call(), refused('SIGN_IN_TOO_OLD'));
    assert.equal((await old.renamePasskey({ id, name: 'phone' })).passkey?.id, id);
    assert.equal((await old.listPasskeys({})).passkeys.length, 1);
    await assert.rejects(service.passkeys().listPasskeys({}), refused('TOKEN_MISSING'));
  });
});

it('of two that are one too many at once, one is added', async () => {
  const person = await service.signUp();
  for (let count = 1; count < MAX_PASSKEYS_PER_ACCOUNT; count += 1) await addPasskey(of(person));
  const outcomes = await Promise.allSettled([addPasskey(of(person)), addPasskey(of(person))]);
  const failed = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  assert.equal(failed.length, 1);
  refused('PASSKEY_LIMIT_REACHED')(failed[0]);
});
