import type { Transaction } from '#kit/db/database.ts';
import { endKeysOf } from '../api-keys/api-keys.ts';
import type { RevokedSession } from '../entities/session-entity.ts';
import { endGrantsOf } from '../oauth/storage/grants.ts';
import { deleteSessions } from '../sessions/delete-sessions.ts';
import type { EndedKey } from '../sessions/key-sessions.ts';

/** Whoever opens something for the account holds it, or comes after: what they opened is there for the next statement, or stays. */
const LOCK = { name: 'account-lock-to-end-all', text: 'select 1 from accounts where id = $1 for no key update' };

/** All by which somebody could act for an account. */
export interface EndedEverything {
  revoked: RevokedSession[];
  endedKeys: EndedKey[];
  /** How many there were, for the entry in the audit log. */
  counts: { sessions: number; grants: number; apiKeys: number };
}

/**
 * Ends every session of an account, in apps and browsers, its API keys, and what it has granted to clients with the consents that would
 * grant it again. For what says that the account may have been in others' hands: a password that is set anew, an account that ends.
 *
 * It runs in the transaction that changes what people sign in by, before that change is committed, and gives what has to be announced:
 * `revoking.everywhere(async (tx) => ({ ...(await endEverything(tx, accountId)) }), context)`. The entry in the audit log is the caller's.
 * @param keptSessionId of who does it: goes on
 */
export async function endEverything(
  tx: Transaction,
  accountId: string,
  keptSessionId?: string,
): Promise<EndedEverything> {
  await tx.query(LOCK, [accountId]);
  const sessions = await deleteSessions(tx, accountId, keptSessionId);
  const grants = await endGrantsOf(tx, accountId);
  const endedKeys = await endKeysOf(tx, accountId);
  const counts = { sessions: sessions.length, grants: grants.length, apiKeys: endedKeys.length };
  return { revoked: [...sessions, ...grants], endedKeys, counts };
}
