import type { Transaction } from '#kit/db/database.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { mfaNotice } from '../mail/mfa-notice.ts';
import { DELETE_PASSKEYS } from './statements.ts';

/**
 * Takes all passkeys of an account away, whose row the caller has locked, and tells its owner. The entry in the audit log is the caller's.
 * It stands here since `accounts/` needs it, upon which `passkeys/` stands.
 * @returns how many there were
 */
export async function deletePasskeysOf(
  tx: Transaction,
  mail: Pick<Mail, 'notify'>,
  accountId: string,
  call: MailCall,
): Promise<number> {
  const { length } = await tx.query(DELETE_PASSKEYS, [accountId]);
  if (length > 0) await mail.notify(tx, mfaNotice(accountId, 'PASSKEY_REMOVED'), call);
  return length;
}
