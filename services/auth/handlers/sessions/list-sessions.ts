import type { ListSessionsRequest, ListSessionsResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { type ListedSession, listedColumns } from '../../entities/session-entity.ts';
import { MAX_SESSIONS_PER_ACCOUNT } from '../../sessions/sessions.ts';

/** Values: the account, now in ms. */
export const SESSIONS = {
  name: 'session-list',
  text: `select ${listedColumns()} from sessions
    where account_id = $1 and expires_at_ms > $2 and revoked_at_ms is null
    order by last_seen_at_ms desc, id desc limit ${MAX_SESSIONS_PER_ACCOUNT}`,
};

export interface ListSessionsDependencies {
  db: Queryable;
  clock: Clock;
}

/**
 * The caller's sessions that are open, the one that was used last first. There are few, so there are no pages.
 * @throws OxoError UNAVAILABLE when the database is away
 */
export function listSessions({ db, clock }: ListSessionsDependencies) {
  return async (_: ListSessionsRequest, context: CallContext): Promise<ListSessionsResponse> => {
    const { userId, sessionId } = requireViewer(context);
    const rows = await db.query<ListedSession>(SESSIONS, [userId, clock.nowMs()]);
    return {
      sessions: rows.map(({ id, userAgent, ip, createdAtMs, lastSeenAtMs }) => ({
        id,
        device: userAgent,
        ip,
        createdAt: new Date(createdAtMs),
        lastSeenAt: new Date(lastSeenAtMs),
        current: id === sessionId,
      })),
    };
  };
}
