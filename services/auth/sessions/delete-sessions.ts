import type { Transaction } from '#kit/db/database.ts';
import { type RevokedSession, revokedColumns } from '../entities/session-entity.ts';

const DELETE_OF_ACCOUNT = {
  name: 'session-delete-of-account',
  text: `delete from sessions where account_id = $1 and id is distinct from $2::uuid returning ${revokedColumns()}`,
};

/**
 * Deletes the sessions of an account, in apps and browsers. What browsers hold at OAuth is deleted by `endBrowserSessions`.
 * @param keptSessionId goes on
 * @returns what has to be refused everywhere
 */
export function deleteSessions(tx: Transaction, accountId: string, keptSessionId?: string): Promise<RevokedSession[]> {
  return tx.query<RevokedSession>(DELETE_OF_ACCOUNT, [accountId, keptSessionId ?? null]);
}
