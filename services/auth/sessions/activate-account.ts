import type { Transaction } from '#kit/db/database.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { queueVerification } from '../mail/verification.ts';

/** What becomes of an account whose profile is known to exist. Locks it, so that its sessions are counted by one sign-in at a time. */
const ACTIVATE = {
  name: 'account-activate',
  text: `update accounts as account set state = 'ACTIVE', pending_handle = null, pending_display_name = null, sweep_at_ms = null
    from (select id, state from accounts where id = $1 and state in ('PENDING', 'ACTIVE')
      and browser_epoch = coalesce($2, browser_epoch) for no key update) as former
    where account.id = former.id
    returning account.email, account.is_admin as "isAdmin", former.state = 'PENDING' as "isNew", account.browser_epoch as epoch`,
};

/**
 * Makes the account active, if it was not; then its email address is asked whether it is its owner's.
 * @param options.epoch in which somebody was let in; any when absent
 * @returns undefined when there is no such account, or it was ended, or it is another epoch by now: what somebody was let in by counts no more
 */
export async function activateAccount(
  tx: Transaction,
  mail: Mail,
  { accountId, epoch }: { accountId: string; epoch?: number | undefined },
  call: MailCall,
): Promise<{ isAdmin: boolean; isNew: boolean; epoch: number } | undefined> {
  type Row = { email: string; isAdmin: boolean; isNew: boolean; epoch: number };
  const [account] = await tx.query<Row>(ACTIVATE, [accountId, epoch ?? null]);
  if (account?.isNew) await queueVerification(mail, tx, { accountId, email: account.email }, call);
  return account;
}
