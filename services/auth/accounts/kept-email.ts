import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { person, recordAudit } from '../audit/audit-log.ts';
import type { MailCall } from '../mail/mail.ts';
import type { MailTokens } from '../mail/mail-tokens.ts';
import { dropPendingEmail } from '../mail/verification.ts';
import { invalidToken } from './email-addresses.ts';

/** Values: mail, now. Only while the address that it went to is still the account's, which is locked. */
const LOCK = {
  name: 'email-kept-lock',
  text: `select account.id from mails join accounts as account on account.id = mails.account_id
    where mails.id = $1 and mails.kind = 'EMAIL_CHANGE_ASKED' and mails.expires_at_ms > $2
      and account.email = mails.recipient and account.email_verified_at_ms is not null and account.state = 'ACTIVE'
    for no key update of account`,
};

/**
 * Gives up the change of an address that waits, by what was mailed to the one that there is. Repeated it changes nothing.
 * @throws OxoError EMAIL_TOKEN_INVALID, also when the address is the account's no more
 */
export type KeepEmail = (token: string, call: MailCall) => Promise<void>;

export function createKeepEmail(options: { db: Database; tokens: MailTokens; clock: Clock }): KeepEmail {
  const { db, tokens, clock } = options;
  return async (token, call) => {
    const mailId = tokens.read(token);
    if (mailId === undefined) throw invalidToken();
    await db.transaction(async (tx) => {
      const nowMs = clock.nowMs();
      const [account] = await tx.query<{ id: string }>(LOCK, [mailId, nowMs]);
      if (account === undefined) throw invalidToken();
      if (!(await dropPendingEmail(tx, account.id, nowMs))) return;
      const details = { change: 'GIVEN_UP' };
      await recordAudit(
        tx,
        { action: 'CHANGE_EMAIL', accountId: account.id, actor: person(account.id), details },
        call,
      );
    });
  };
}
