import type { Clock } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';
import { type AuditedCall, NOBODY, person, recordAudit } from '../audit/audit-log.ts';
import type { MailTokens } from '../mail/mail-tokens.ts';

/** Values: mail, now. */
const FIND_MAIL = {
  name: 'email-find-mail',
  text: `select account_id as "accountId", recipient from mails
    where id = $1 and kind = 'VERIFY_EMAIL' and expires_at_ms > $2`,
};
const LOCK = {
  name: 'email-lock-account',
  text: `select email, email_verified_at_ms is not null as "isVerified", pending_email as "pendingEmail"
    from accounts where id = $1 and state = 'ACTIVE' for no key update`,
};
/** Values: account, address, now. Nothing when another account has it. */
const VERIFY = {
  name: 'email-verify',
  text: `update accounts set email = $2, email_verified_at_ms = $3, pending_email = nullif(pending_email, $2) where id = $1
      and not exists (select from accounts where email = $2 and email_verified_at_ms is not null and id <> $1)
    returning 1`,
};
const UNIQUE_VIOLATION = '23505';

interface AccountRow {
  email: string;
  isVerified: boolean;
  pendingEmail: string | null;
}

/** The email addresses of accounts. One that is verified is one account's alone, and signs in. */
export interface EmailAddresses {
  /**
   * Makes an address the account's by what was mailed to it. Repeated it changes nothing.
   * @throws OxoError EMAIL_TOKEN_INVALID, also when another account has the address by now
   */
  verify(token: string, call: AuditedCall): Promise<void>;
}

export function createEmailAddresses(options: { db: Database; tokens: MailTokens; clock: Clock }): EmailAddresses {
  const { db, tokens, clock } = options;

  async function take(tx: Transaction, mailId: string, call: AuditedCall): Promise<void> {
    const nowMs = clock.nowMs();
    const [mail] = await tx.query<{ accountId: string; recipient: string }>(FIND_MAIL, [mailId, nowMs]);
    if (mail === undefined) throw invalidToken();
    const { accountId, recipient } = mail;
    const [account] = await tx.query<AccountRow>(LOCK, [accountId]);
    if (account === undefined) throw invalidToken();
    const isPresent = account.email === recipient;
    if (!isPresent && account.pendingEmail !== recipient) throw invalidToken();
    if (isPresent && account.isVerified) return;
    if ((await tx.query(VERIFY, [accountId, recipient, nowMs])).length === 0) throw invalidToken();
    const actor = call.caller?.kind === 'user' ? person(accountId) : NOBODY;
    await recordAudit(tx, { action: 'VERIFY_EMAIL', accountId, actor }, call);
  }

  return {
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
  };
}

function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === UNIQUE_VIOLATION) || isUniqueViolation(error.cause);
}

function invalidToken(): OxoError {
  return new OxoError('EMAIL_TOKEN_INVALID', 'This confirmation is not valid or has expired. Ask for another one.');
}
