import type { Transaction } from '#kit/db/database.ts';
import type { Mail, MailCall } from './mail.ts';

const OWNER = {
  name: 'mail-owner-of-address',
  text: 'select id from accounts where email = $1 and email_verified_at_ms is not null and id <> $2',
};
const DROP = {
  name: 'mail-drop-pending-address',
  text: 'update accounts set pending_email = null where id = $1 and pending_email is not null returning 1',
};
/** Values: account, now. What has not been sent yet is not sent any more. */
const VOID = {
  name: 'mail-void-confirmations',
  text: `update mails set used_at_ms = $2, settled_at_ms = coalesce(settled_at_ms, $2)
    where account_id = $1 and kind = 'VERIFY_EMAIL' and used_at_ms is null
      and recipient <> (select email from accounts where id = $1)`,
};

/**
 * Asks whether an address is really that of this account. Where it is verified already as another one's, that one is told instead, and
 * whoever gave it learns nothing.
 */
export async function queueVerification(
  mail: Pick<Mail, 'queue'>,
  tx: Transaction,
  { accountId, email }: { accountId: string; email: string },
  call: MailCall,
): Promise<void> {
  const [owner] = await tx.query<{ id: string }>(OWNER, [email, accountId]);
  if (owner === undefined) await mail.queue(tx, { kind: 'VERIFY_EMAIL', accountId, to: email }, call);
  else await mail.queue(tx, { kind: 'EMAIL_IN_USE', accountId: owner.id, to: email }, call);
}

/**
 * Gives up the change of the address that waits, of an account whose row the caller has locked, and whatever could still confirm one. For all by which an owner
 * gets an account back: who asked for the change may have been somebody else.
 * @returns whether one waited
 */
export async function dropPendingEmail(tx: Transaction, accountId: string, nowMs: number): Promise<boolean> {
  const dropped = await tx.query(DROP, [accountId]);
  await tx.query(VOID, [accountId, nowMs]);
  return dropped.length > 0;
}
