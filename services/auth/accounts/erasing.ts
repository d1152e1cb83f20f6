import type { Database } from '#kit/db/database.ts';
import { type AuditedCall, recordAudit } from '../audit/audit-log.ts';

/** The last mail, where it could not be sent yet, does not go with the account: it keeps its address until it is sent, or its time is over. */
const KEEP_LAST_MAIL = {
  name: 'account-keep-last-mail',
  text: "update mails set account_id = null where account_id = $1 and kind = 'ACCOUNT_DELETED' and settled_at_ms is null",
};
/** Its sessions go with it. Only one that was ended: nobody can sign in between. */
const ERASE = { name: 'account-erase', text: "delete from accounts where id = $1 and state = 'DISABLED' returning 1" };
const FIND = { name: 'account-find', text: 'select 1 from accounts where id = $1' };

/**
 * Erases an account that was ended: email address, password, sessions. Repeated it changes nothing. In the audit log its id is left, which then means
 * nobody; addresses are dropped there by their age.
 * @throws Error when the account was not ended
 */
export async function eraseAccount(db: Database, id: string, call: AuditedCall): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query(KEEP_LAST_MAIL, [id]);
    const erased = await tx.query(ERASE, [id]);
    if (erased.length > 0) await recordAudit(tx, { action: 'ERASE_ACCOUNT', accountId: id }, call);
  });
  if ((await db.query(FIND, [id])).length > 0) throw new Error('An account is to be erased that was not ended.');
}
