import type { Clock } from '#kit/clock.ts';
import type { Database, Queryable, Transaction } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';
import type { Attempts } from '../attempts/attempts.ts';
import { type AuditAction, type AuditedCall, person, recordAudit } from '../audit/audit-log.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import type { MailTokens } from '../mail/mail-tokens.ts';
import { queueVerification } from '../mail/verification.ts';
import { accountEnded, changeAccount, type Owner } from '../sessions/account-lock.ts';

/** Values: mail, now. */
const FIND_MAIL = {
  name: 'email-find-mail',
  text: `select account_id as "accountId", recipient from mails
    where id = $1 and kind = 'VERIFY_EMAIL' and used_at_ms is null and expires_at_ms > $2`,
};
const COLUMNS = `id, email, email_verified_at_ms is not null as "isVerified", pending_email as "pendingEmail",
  created_at_ms::float8 as "createdAtMs"`;
const GET = { name: 'email-get', text: `select ${COLUMNS} from accounts where id = $1 and state = 'ACTIVE'` };
const LOCK = { name: 'email-lock', text: `${GET.text} for no key update` };
/** Values: account, address, now. Nothing when another account has it. */
const VERIFY = {
  name: 'email-verify',
  text: `update accounts set email = $2, email_verified_at_ms = $3, pending_email = nullif(pending_email, $2) where id = $1
      and not exists (select from accounts where email = $2 and email_verified_at_ms is not null and id <> $1)
    returning 1`,
};
const SET_PENDING = { name: 'email-set-pending', text: 'update accounts set pending_email = $2 where id = $1' };
const UNIQUE_VIOLATION = '23505';

/** The addresses of an account. */
export interface AccountAddresses {
  id: string;
  email: string;
  isVerified: boolean;
  /** To which it changes once that is confirmed. */
  pendingEmail: string | null;
  createdAtMs: number;
}

/** The email addresses of accounts. One that is verified is one account's alone, and signs in. */
export interface EmailAddresses {
  /** @throws OxoError SESSION_REVOKED when there is no such account (any more) */
  get(accountId: string): Promise<AccountAddresses>;
  /**
   * Makes an address the account's by what was mailed to it; a verified one that it takes the place of hears of it. Repeated it changes nothing.
   * @throws OxoError EMAIL_TOKEN_INVALID, also when another account has the address by now
   */
  verify(token: string, call: MailCall): Promise<void>;
  /**
   * Asks a new address whether it is the account's; until it is confirmed the one before counts, and hears of it when it is verified. With the one that it has, a change that waits is given up.
   * Whether the address is another account's is not told: its owner hears of it instead.
   * @param email normalised
   * @throws OxoError RATE_LIMITED; SESSION_REVOKED as `lockOwner`
   */
  change(owner: Owner, email: string, call: MailCall): Promise<AccountAddresses>;
  /** Asks again the address that is not confirmed; where there is none, nothing. @throws OxoError as `change` */
  resend(owner: Owner, call: MailCall): Promise<void>;
}

export interface EmailAddressesOptions {
  db: Database;
  mail: Mail;
  tokens: MailTokens;
  attempts: Pick<Attempts, 'confirmation'>;
  clock: Clock;
}

export function createEmailAddresses({ db, mail, tokens, attempts, clock }: EmailAddressesOptions): EmailAddresses {
  async function read(on: Queryable, accountId: string): Promise<AccountAddresses> {
    const [account] = await on.query<AccountAddresses>(GET, [accountId]);
    if (account === undefined) throw accountEnded();
    return account;
  }

  async function take(tx: Transaction, mailId: string, call: MailCall): Promise<void> {
    const nowMs = clock.nowMs();
    const [found] = await tx.query<{ accountId: string; recipient: string }>(FIND_MAIL, [mailId, nowMs]);
    if (found === undefined) throw invalidToken();
    const { accountId, recipient } = found;
    const [account] = await tx.query<AccountAddresses>(LOCK, [accountId]);
    if (account === undefined) throw invalidToken();
    const isPresent = account.email === recipient;
    if (!isPresent && account.pendingEmail !== recipient) throw invalidToken();
    if (isPresent && account.isVerified) return;
    if ((await tx.query(VERIFY, [accountId, recipient, nowMs])).length === 0) throw invalidToken();
    await record(tx, 'VERIFY_EMAIL', accountId, call);
    if (isPresent || !account.isVerified) return;
    await mail.notify(tx, { kind: 'EMAIL_CHANGED', accountId, to: account.email }, call);
  }

  return {
    get: (accountId) => read(db, accountId),
    async verify(token, call) {
      const mailId = tokens.read(token);
      if (mailId === undefined) throw invalidToken();
      await db
        .transaction((tx) => take(tx, mailId, call))
        .catch((error: unknown) => {
          // Somebody else was quicker by a moment.
          if (isUniqueViolation(error)) throw invalidToken();
          throw error;
        });
    },
    async change(owner, email, call) {
      const { userId: accountId } = owner;
      await attempts.confirmation(accountId);
      return changeAccount({ db, clock }, owner, async (tx) => {
        const account = await read(tx, accountId);
        const pendingEmail = email === account.email ? null : email;
        await tx.query(SET_PENDING, [accountId, pendingEmail]);
        if (pendingEmail !== null || !account.isVerified) await queueVerification(mail, tx, { accountId, email }, call);
        if (pendingEmail !== null)
          await mail.notify(tx, { kind: 'EMAIL_CHANGE_ASKED', accountId, isAlwaysTold: true }, call);
        await record(tx, 'CHANGE_EMAIL', accountId, call);
        return { ...account, pendingEmail };
      });
    },
    async resend(owner, call) {
      const { userId: accountId } = owner;
      await attempts.confirmation(accountId);
      await changeAccount({ db, clock }, owner, async (tx) => {
        const { email, isVerified, pendingEmail } = await read(tx, accountId);
        const asked = pendingEmail ?? (isVerified ? undefined : email);
        if (asked !== undefined) await queueVerification(mail, tx, { accountId, email: asked }, call);
      });
    },
  };
}

/** Whoever has got the mail is the person, signed in or not. */
function record(tx: Transaction, action: AuditAction, accountId: string, call: AuditedCall): Promise<void> {
  return recordAudit(tx, { action, accountId, actor: person(accountId) }, call);
}

function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === UNIQUE_VIOLATION) || isUniqueViolation(error.cause);
}

/** The answer to whatever was not mailed, or counts no more. */
export function invalidToken(): OxoError {
  return new OxoError('EMAIL_TOKEN_INVALID', 'This confirmation is not valid or has expired. Ask for another one.');
}
