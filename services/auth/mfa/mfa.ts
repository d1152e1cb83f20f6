import { type Clock, HOUR_MS } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { recordAudit } from '../audit/audit-log.ts';
import type { KeyVault } from '../keys/key-vault.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { mfaNotice } from '../mail/mfa-notice.ts';
import type { MfaChange } from '../mail/texts/texts.ts';
import { dropPendingEmail } from '../mail/verification.ts';
import { changeAccount, lockAccount, type Owner } from '../sessions/account-lock.ts';
import { endBrowserSessions } from '../sessions/browser-epochs.ts';
import { deleteSessions } from '../sessions/delete-sessions.ts';
import { createRevoking } from '../sessions/revoking.ts';
import { deletePasskeysOf } from './passkeys-of.ts';
import { hashOfCode, newRecoveryCodes, normaliseCode } from './recovery-codes.ts';
import { mfaAlreadyEnrolled, mfaNotEnrolled, otpInvalid } from './refusals.ts';
import * as sql from './statements.ts';
import { newTotpSecret, stepOf, type TotpSecret } from './totp.ts';

/** So long after it was begun an enrolment can be confirmed. */
const ENROLMENT_MS = HOUR_MS;

/** Which factors an account has. */
export interface MfaState {
  /** Milliseconds since the epoch; undefined without an authenticator app. */
  totpSinceMs: number | undefined;
  recoveryCodesLeft: number;
  passkeys: number;
}

/** An authenticator app that is being enrolled. */
export interface Enrolment {
  secret: TotpSecret;
  expiresAtMs: number;
}

/** What an account asks for besides its password. */
export interface Mfa {
  read(accountId: string): Promise<MfaState>;
  /** Begins anew whatever was begun. @throws OxoError MFA_ALREADY_ENROLLED; SESSION_REVOKED as `lockOwner`, as the three that follow */
  begin(owner: Owner): Promise<Enrolment>;
  /**
   * Enables what was begun. @returns recovery codes, of which hashes are kept
   * @throws OxoError MFA_NOT_ENROLLED, MFA_ALREADY_ENROLLED, OTP_INVALID
   */
  confirm(owner: Owner, otp: string, call: MailCall): Promise<string[]>;
  /** Recovery codes instead of those from before. @throws OxoError MFA_NOT_ENROLLED */
  replaceRecoveryCodes(owner: Owner, call: MailCall): Promise<string[]>;
  /** Takes app and recovery codes away. @returns whether sign-ins needed a code before */
  disable(owner: Owner, call: MailCall): Promise<boolean>;
  /**
   * As `disable`, for a person who has lost both, takes the passkeys away too, gives up a change of the address that waits, and ends all sessions; when it is done, their tokens are refused everywhere.
   * @returns whether sign-ins needed a code, or there were passkeys; undefined when there is no such account
   * @throws OxoError UNAVAILABLE as `Revoking.everywhere`
   */
  reset(accountId: string, call: MailCall): Promise<boolean | undefined>;
}

export interface MfaOptions {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  /** Encrypts the secrets of people. */
  vault: KeyVault;
  mail: Pick<Mail, 'notify'>;
  clock: Clock;
}

export function createMfa(options: MfaOptions): Mfa {
  const { db, vault, mail, clock } = options;
  const revoking = createRevoking(options);

  async function replaceCodes(tx: Transaction, accountId: string): Promise<string[]> {
    const codes = newRecoveryCodes();
    await tx.query(sql.DELETE_CODES, [accountId]);
    await tx.query(sql.INSERT_CODES, [accountId, codes.map((code) => hashOfCode(accountId, normaliseCode(code)))]);
    return codes;
  }

  function notify(tx: Transaction, accountId: string, change: MfaChange, call: MailCall): Promise<void> {
    return mail.notify(tx, mfaNotice(accountId, change), call);
  }

  /** @returns whether sign-ins needed a code before */
  async function remove(tx: Transaction, accountId: string, call: MailCall): Promise<boolean> {
    const [deleted] = await tx.query<{ isConfirmed: boolean }>(sql.DELETE, [accountId]);
    await tx.query(sql.DELETE_CODES, [accountId]);
    if (!deleted?.isConfirmed) return false;
    await notify(tx, accountId, 'TOTP_REMOVED', call);
    return true;
  }

  return {
    read: (accountId) => readState(db, accountId),
    async begin(owner) {
      const { userId: accountId } = owner;
      const secret = newTotpSecret();
      const encrypted = await vault.encrypt(secret, secretName(accountId));
      const nowMs = clock.nowMs();
      const begun = await changeAccount(options, owner, (tx) => tx.query(sql.BEGIN, [accountId, encrypted, nowMs]));
      if (begun.length === 0) throw mfaAlreadyEnrolled();
      return { secret, expiresAtMs: nowMs + ENROLMENT_MS };
    },
    confirm: (owner, otp, call) =>
      changeAccount(options, owner, async (tx) => {
        const { userId: accountId } = owner;
        const nowMs = clock.nowMs();
        const [row] = await tx.query<sql.EnrolmentRow>(sql.FIND, [accountId]);
        if (row?.confirmedAtMs != null) throw mfaAlreadyEnrolled();
        if (row === undefined || row.createdAtMs + ENROLMENT_MS <= nowMs) throw mfaNotEnrolled();
        const secret = await vault.decrypt(row.secret, secretName(accountId));
        const step = stepOf(secret, normaliseCode(otp), nowMs);
        if (step === undefined) throw otpInvalid();
        await tx.query(sql.CONFIRM, [accountId, nowMs, step]);
        await recordAudit(tx, { action: 'ENABLE_TOTP', accountId }, call);
        await notify(tx, accountId, 'TOTP_ADDED', call);
        return replaceCodes(tx, accountId);
      }),
    replaceRecoveryCodes: (owner, call) =>
      changeAccount(options, owner, async (tx) => {
        const { userId: accountId } = owner;
        const [row] = await tx.query<sql.EnrolmentRow>(sql.FIND, [accountId]);
        if (row?.confirmedAtMs == null) throw mfaNotEnrolled();
        await recordAudit(tx, { action: 'REPLACE_RECOVERY_CODES', accountId }, call);
        await notify(tx, accountId, 'RECOVERY_CODES_RENEWED', call);
        return replaceCodes(tx, accountId);
      }),
    disable: (owner, call) =>
      changeAccount(options, owner, async (tx) => {
        const { userId: accountId } = owner;
        const wasEnabled = await remove(tx, accountId, call);
        if (wasEnabled) await recordAudit(tx, { action: 'DISABLE_TOTP', accountId }, call);
        return wasEnabled;
      }),
    async reset(accountId, call) {
      const { changed } = await revoking.everywhere(async (tx) => {
        if (!(await lockAccount(tx, accountId))) return { changed: undefined, revoked: [] };
        const wasEnabled = await remove(tx, accountId, call);
        await dropPendingEmail(tx, accountId, clock.nowMs());
        const ofBrowsers = await endBrowserSessions(tx, accountId);
        const ended = await deleteSessions(tx, accountId);
        const passkeys = await deletePasskeysOf(tx, mail, accountId, call);
        const details = { sessions: ended.length, passkeys };
        await recordAudit(tx, { action: 'RESET_MFA', accountId, details }, call);
        return { changed: wasEnabled || passkeys > 0, revoked: [...ended, ...ofBrowsers] };
      }, call);
      return changed;
    },
  };
}

async function readState(db: Database, accountId: string): Promise<MfaState> {
  const [state] = await db.query<sql.StateRow>(sql.STATE, [accountId]);
  const { totpSinceMs, recoveryCodesLeft = 0, passkeys = 0 } = state ?? {};
  return { totpSinceMs: totpSinceMs ?? undefined, recoveryCodesLeft, passkeys };
}

/** The name under which the secret of an account lies in the vault. */
export function secretName(accountId: string): string {
  return `totp/${accountId}`;
}
