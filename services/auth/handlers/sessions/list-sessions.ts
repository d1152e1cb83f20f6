import type { ListSessionsRequest, ListSessionsResponse } from '#gen/oxo/auth/v1/auth_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { factorsMessage } from '../../sessions/factors.ts';
import { sessionsOf } from '../../sessions/listing.ts';

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
    const rows = await sessionsOf(db, userId, clock.nowMs());
    return {
      sessions: rows.map(({ id, userAgent, ip, createdAtMs, lastSeenAtMs, factors }) => ({
        id,
        device: userAgent,
        ip,
        createdAt: new Date(createdAtMs),
        lastSeenAt: new Date(lastSeenAtMs),
        current: id === sessionId,
        factors: factorsMessage(factors),
      })),
    };
  };
}
