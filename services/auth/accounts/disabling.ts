import type { Database } from '#kit/db/database.ts';
import { unavailable } from '#kit/errors.ts';
import { accountDisabled } from '#kit/events/consumers/revocations.ts';
import { insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { recordAudit } from '../audit/audit-log.ts';
import { BROADCAST_LIMIT_MS } from '../events.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { endEverything } from './end-everything.ts';

/** A sign-in that is under way holds the account, or finds it disabled: none of its sessions outlives the next statement. */
const DISABLE = {
  name: 'account-disable',
  text: `update accounts set state = 'DISABLED', is_admin = false, pending_email = null,
      pending_handle = null, pending_display_name = null, sweep_at_ms = null where id = $1 and state <> 'DISABLED' returning 1`,
};

/** What was still to be sent, with its secrets. */
const FORGET_MAILS = { name: 'account-forget-mails', text: 'delete from mails where account_id = $1' };

/**
 * Ends an account, its sessions, its API keys and what it has granted to clients; when it is done, its tokens are refused everywhere. It is
 * announced also when it was done before: whoever asks may have been told nothing. Its verified address gets a last mail.
 * @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it; it is done all the same
 */
export type Disable = (accountId: string, context: MailCall) => Promise<void>;

export interface DisablingOptions {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  mail: Pick<Mail, 'notify'>;
}

export function createDisabling({ db, outbox, denyList, mail }: DisablingOptions): Disable {
  return async (accountId, context) => {
    const event = outbox.row(accountDisabled, { userId: accountId }, context);
    const write = () =>
      db.transaction(async (tx) => {
        const disabled = await tx.query(DISABLE, [accountId]);
        if (disabled.length > 0) {
          await recordAudit(tx, { action: 'DISABLE_ACCOUNT', accountId }, context);
          await tx.query(FORGET_MAILS, [accountId]);
          await mail.notify(tx, { kind: 'ACCOUNT_DELETED', accountId }, context);
        }
        // Their tokens are refused by the account's id.
        await endEverything(tx, accountId);
        await insertEvent(tx, event);
      });
    await outbox.commit([event], write, () => undefined);
    if (await denyList.whenDenied(accountId, BROADCAST_LIMIT_MS)) return;
    throw unavailable('The end of the account has not reached every service yet. Try again.');
  };
}
