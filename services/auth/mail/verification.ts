import type { Transaction } from '#kit/db/database.ts';
import type { Mail, MailCall } from './mail.ts';

const OWNER = {
  name: 'mail-owner-of-address',
  text: 'select id from accounts where email = $1 and email_verified_at_ms is not null and id <> $2',
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
