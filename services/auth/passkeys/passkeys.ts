import { randomBytes } from 'node:crypto';
import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { newId } from '#kit/ids.ts';
import { recordAudit } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import type { ListedPasskey } from '../entities/passkey-entity.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { mfaNotice } from '../mail/mfa-notice.ts';
import { COUNT_PASSKEYS } from '../mfa/statements.ts';
import { accountEnded, changeAccount, type Owner } from '../sessions/account-lock.ts';
import type { Challenges } from './challenges.ts';
import type { Attestation } from './passkey-input.ts';
import { passkeyInvalid, passkeyNotFound, tooManyPasskeys } from './refusals.ts';
import { type RelyingParty, requireParty } from './relying-party.ts';
import * as sql from './statements.ts';
import type { CreationOptions, MadePasskey } from './webauthn.ts';

const USER_BYTES = 32;

/** The passkeys of accounts. Nobody sees those of others. */
export interface Passkeys {
  /** Undefined where browsers have no passkeys. */
  relyingParty: RelyingParty | undefined;
  /**
   * @param names of the person, as the authenticator will show them
   * @throws OxoError PASSKEYS_OFF, PASSKEY_LIMIT_REACHED; SESSION_REVOKED as `lockOwner`
   */
  beginRegistration(owner: Owner, names: { handle: string; displayName: string }): Promise<CreationOptions>;
  /**
   * Adds a passkey; one that the account has already is given back as it is.
   * @throws OxoError PASSKEY_INVALID, and as `beginRegistration`
   */
  finishRegistration(
    owner: Owner,
    made: { name: string; credential: Attestation },
    call: MailCall,
  ): Promise<ListedPasskey>;
  /** The newest first, at most 20. */
  list(accountId: string): Promise<ListedPasskey[]>;
  /** @throws OxoError PASSKEY_NOT_FOUND */
  rename(accountId: string, passkey: { id: string; name: string }): Promise<ListedPasskey>;
  /** @throws OxoError PASSKEY_NOT_FOUND; SESSION_REVOKED as `lockOwner` */
  delete(owner: Owner, id: string, call: MailCall): Promise<void>;
}

export interface PasskeysOptions {
  db: Database;
  challenges: Challenges;
  relyingParty: RelyingParty | undefined;
  counted: Pick<CountedAudit, 'record'>;
  mail: Pick<Mail, 'notify'>;
  clock: Clock;
}

export function createPasskeys(options: PasskeysOptions): Passkeys {
  const { db, challenges, relyingParty, counted, mail, clock } = options;

  async function add(
    tx: Transaction,
    accountId: string,
    passkey: MadePasskey & { name: string; transports: readonly string[] },
    call: MailCall,
  ): Promise<ListedPasskey> {
    const [count] = await tx.query<{ count: number }>(COUNT_PASSKEYS, [accountId]);
    if ((count?.count ?? 0) >= sql.MAX_PASSKEYS_PER_ACCOUNT) throw tooManyPasskeys();
    await challenges.spend(tx, passkey.challenge);
    const { credentialId, publicKey, counter, transports, name, isBackedUp } = passkey;
    const nowMs = clock.nowMs();
    const values = [credentialId, publicKey, counter, transports, name, isBackedUp, nowMs];
    const [added] = await tx.query<ListedPasskey>(sql.INSERT, [newId(nowMs), accountId, ...values]);
    // Another account has the same one, since this moment.
    if (added === undefined) throw passkeyInvalid();
    await recordAudit(tx, { action: 'ADD_PASSKEY', accountId, details: { passkey: added.id } }, call);
    await mail.notify(tx, mfaNotice(accountId, 'PASSKEY_ADDED'), call);
    return added;
  }

  return {
    relyingParty,
    async beginRegistration(owner, names) {
      const { userId, sessionId } = owner;
      const party = requireParty(relyingParty);
      const { creationOptions } = await import('./webauthn.ts');
      return changeAccount(options, owner, async (tx) => {
        const [row] = await tx.query<{ passkeyUser: Buffer }>(sql.USER, [userId, randomBytes(USER_BYTES)]);
        if (row === undefined) throw accountEnded();
        const held = await tx.query<sql.HeldPasskey>(sql.HELD, [userId]);
        if (held.length >= sql.MAX_PASSKEYS_PER_ACCOUNT) throw tooManyPasskeys();
        const challenge = challenges.create(registrationOf(userId, sessionId));
        return creationOptions(party, { ...names, id: row.passkeyUser }, { challenge, held });
      });
    },
    async finishRegistration(owner, { name, credential }, call) {
      const { userId, sessionId } = owner;
      const party = requireParty(relyingParty);
      const { verifyAttestation } = await import('./webauthn.ts');
      const made = await verifyAttestation(party, credential, (challenge) =>
        challenges.isGood(challenge, registrationOf(userId, sessionId)),
      );
      return changeAccount(options, owner, async (tx) => {
        const [there] = await tx.query<sql.FoundPasskey>(sql.FIND_CREDENTIAL, [made.credentialId]);
        if (there === undefined)
          return add(tx, userId, { ...made, name, transports: credential.response.transports }, call);
        // The answer was lost, and it is asked again.
        const { accountId, ...passkey } = there;
        if (accountId !== userId) throw passkeyInvalid();
        return passkey;
      });
    },
    list: (accountId) => db.query<ListedPasskey>(sql.LIST, [accountId]),
    async rename(accountId, { id, name }) {
      const [renamed] = await db.query<ListedPasskey>(sql.RENAME, [id, accountId, name]);
      if (renamed === undefined) throw passkeyNotFound();
      return renamed;
    },
    delete: (owner, id, call) =>
      changeAccount(options, owner, async (tx) => {
        const { userId: accountId } = owner;
        if ((await tx.query(sql.DELETE, [id, accountId])).length === 0) throw passkeyNotFound();
        await counted.record(tx, { action: 'DELETE_PASSKEY', accountId, details: { passkey: id } }, call);
        await mail.notify(tx, mfaNotice(accountId, 'PASSKEY_REMOVED'), call);
      }),
  };
}

/** What the challenge of a registration is for. */
function registrationOf(userId: string, sessionId: string): string {
  return `registration ${userId} ${sessionId}`;
}
