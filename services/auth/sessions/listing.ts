import type { Queryable } from '#kit/db/database.ts';
import { type ListedSession, listedColumns } from '../entities/session-entity.ts';
import { MAX_SESSIONS_PER_ACCOUNT } from './sessions.ts';

/** Values: the account, now in ms. */
export const SESSIONS = {
  name: 'session-list',
  text: `select ${listedColumns()} from sessions
    where account_id = $1 and expires_at_ms > $2 and revoked_at_ms is null
    order by last_seen_at_ms desc, id desc limit ${MAX_SESSIONS_PER_ACCOUNT}`,
};

/** An account's sessions that are open, the one that was used last first. There are few, so there are no pages. */
export function sessionsOf(db: Queryable, accountId: string, nowMs: number): Promise<ListedSession[]> {
  return db.query<ListedSession>(SESSIONS, [accountId, nowMs]);
}
