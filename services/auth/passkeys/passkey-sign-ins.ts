import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { hasReason } from '#kit/errors.ts';
import type { Enter, LetIn, PasswordSource, SignedIn } from '../accounts/credentials.ts';
import { tellingRefused } from '../accounts/refused-sign-ins.ts';
import type { Attempt, Attempts } from '../attempts/attempts.ts';
import type { KnownDevices } from '../attempts/known-devices.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { networkOf } from '../origin/device.ts';
import type { Profiles } from '../profiles/profiles.ts';
import type { Proof } from '../sessions/factors.ts';
import type { Challenges } from './challenges.ts';
import type { Assertion } from './passkey-input.ts';
import { passkeyInvalid } from './refusals.ts';
import { type RelyingParty, requireParty } from './relying-party.ts';
import * as sql from './statements.ts';
import type { RequestOptions, Signed } from './webauthn.ts';

/** What the challenge of a sign-in is for: it is not known yet whose. */
const SIGN_IN = 'sign-in';

/** Sign-ins by a passkey alone: whose it is, it says itself. */
export interface PasskeySignIns {
  /** Says nothing of any account, and keeps nothing. @throws OxoError PASSKEYS_OFF */
  begin(): Promise<RequestOptions>;
  /**
   * Looks whose passkey has signed, and lets that person in, as `Credentials.signIn` does by a password; `entered` is never undefined.
   * @throws OxoError PASSKEY_INVALID; RATE_LIMITED; PASSKEYS_OFF; UNAVAILABLE when the user service is away
   */
  signIn<Entered>(
    credential: Assertion,
    source: PasswordSource,
    enter: Enter<Entered>,
  ): Promise<SignedIn<Entered> & { entered: Entered }>;
  /**
   * Looks whether a passkey of this account has signed what `begin` gave. @returns what it lets in by, as of a sign-in
   * @throws OxoError PASSKEY_INVALID, PASSKEYS_OFF
   */
  check(accountId: string, credential: Assertion): Promise<LetIn>;
}

export interface PasskeySignInsOptions {
  db: Database;
  challenges: Challenges;
  relyingParty: RelyingParty | undefined;
  attempts: Pick<Attempts, 'passkey' | 'unknownPasskey'>;
  knownDevices: Pick<KnownDevices, 'has' | 'remember'>;
  profiles: Pick<Profiles, 'byId'>;
  counted: Pick<CountedAudit, 'add'>;
  clock: Clock;
}

export function createPasskeySignIns(options: PasskeySignInsOptions): PasskeySignIns {
  const { db, challenges, relyingParty, attempts, knownDevices, profiles, clock } = options;
  const tellRefused = tellingRefused(options.counted);

  async function find(credential: Assertion): Promise<sql.SignInPasskey> {
    const id = Buffer.from(credential.id, 'base64url');
    const [passkey] = await db.query<sql.SignInPasskey>(sql.FIND_TO_SIGN_IN, [id]);
    if (passkey === undefined) throw passkeyInvalid();
    return passkey;
  }

  /** @throws OxoError PASSKEY_INVALID */
  async function prove(credential: Assertion, passkey: sql.SignInPasskey): Promise<Proof> {
    const isGood = (challenge: string) => challenges.isGood(challenge, SIGN_IN);
    const { verifyAssertion } = await import('./webauthn.ts');
    const signed = await verifyAssertion(requireParty(relyingParty), credential, passkey, isGood);
    const user = Buffer.from(credential.response.userHandle, 'base64url');
    if (!user.equals(passkey.passkeyUser)) throw passkeyInvalid();
    if (isBehind(signed, passkey)) throw passkeyInvalid(COPIED);
    return {
      factors: ['PASSKEY'],
      async spend(tx) {
        await challenges.spend(tx, signed.challenge);
        const values = [passkey.id, signed.counter, signed.isBackedUp, clock.nowMs()];
        if ((await tx.query(sql.USE, values)).length === 0) throw passkeyInvalid();
      },
    };
  }

  /** Finding one costs next to nothing; what is not found counts by itself, so that no junk keeps out who has a passkey. */
  async function findCounted(credential: Assertion, source: PasswordSource): Promise<sql.SignInPasskey> {
    try {
      return await find(credential);
    } catch (error) {
      if (hasReason(error, 'PASSKEY_INVALID')) await attempts.unknownPasskey(networkOf(source.device.ip));
      throw error;
    }
  }

  async function take({ id, accountId }: sql.SignInPasskey, { device, deviceToken }: PasswordSource): Promise<Attempt> {
    const isKnown = await knownDevices.has(accountId, deviceToken);
    return attempts.passkey(id, networkOf(device.ip), isKnown ? deviceToken : undefined);
  }

  return {
    async check(accountId, credential) {
      requireParty(relyingParty);
      const passkey = await find(credential);
      if (passkey.accountId !== accountId) throw passkeyInvalid();
      return { proof: await prove(credential, passkey), epoch: passkey.epoch };
    },
    async begin() {
      const party = requireParty(relyingParty);
      const { requestOptions } = await import('./webauthn.ts');
      return requestOptions(party, challenges.create(SIGN_IN));
    },
    async signIn(credential, source, enter) {
      requireParty(relyingParty);
      const { device, deviceToken, context } = source;
      let attempt: Attempt | undefined;
      let accountId: string | undefined;
      try {
        const passkey = await findCounted(credential, source);
        accountId = passkey.accountId;
        attempt = await take(passkey, source);
        const proof = await prove(credential, passkey);
        const user = await profiles.byId(accountId, context);
        const entered = user && (await enter(user, { proof, epoch: passkey.epoch }));
        if (user === undefined || entered === undefined) throw passkeyInvalid();
        attempt.giveBack();
        const known = await knownDevices.remember(accountId, deviceToken, { ...context, device }, passkey.epoch);
        return { user, entered, epoch: passkey.epoch, deviceToken: known };
      } catch (error) {
        if (hasReason(error, 'RATE_LIMITED')) tellRefused(accountId, source, 'limit');
        else if (!hasReason(error, 'PASSKEY_INVALID')) attempt?.giveBack();
        else tellRefused(accountId, source, error instanceof Error && error.cause === COPIED ? 'counter' : 'passkey');
        throw error;
      }
    },
  };
}

/** Why one is refused whose signature is right, but whose authenticator was seen further on: there are two of it. */
const COPIED = new Error('the counter of the passkey is behind');

/** An authenticator that does not count says 0 always. */
function isBehind(signed: Signed, passkey: Pick<sql.SignInPasskey, 'counter'>): boolean {
  return signed.counter <= passkey.counter && (signed.counter > 0 || passkey.counter > 0);
}
