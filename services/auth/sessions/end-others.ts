import type { Transaction } from '#kit/db/database.ts';
import type { RevokedSession } from '../entities/session-entity.ts';
import { endBrowserSessions } from './browser-epochs.ts';
import { deleteSessions } from './delete-sessions.ts';

/**
 * Ends all sessions of an account but one, those of browsers at OAuth too. API keys and what clients were granted for when the person is away go on: they
 * have their own ways to be ended. The account must be locked.
 * @returns what has to be refused everywhere
 */
export async function endOtherSessions(
  tx: Transaction,
  accountId: string,
  keptSessionId: string,
): Promise<RevokedSession[]> {
  const sessions = await deleteSessions(tx, accountId, keptSessionId);
  return [...sessions, ...(await endBrowserSessions(tx, accountId))];
}
