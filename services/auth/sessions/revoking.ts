import type { Database, Transaction } from '#kit/db/database.ts';
import { unavailable } from '#kit/errors.ts';
import { type AddEvent, insertEvents, type Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { sessionRevoked } from '#kit/identity/revocations.ts';
import type { RevokedSession } from '../entities/session-entity.ts';

/** Who signs out is told within the two seconds in which the tokens have to be refused. */
export const BROADCAST_LIMIT_MS = 1_500;

/** Runs work that says which sessions it deleted, in one transaction with their events. */
type Revoke = <Result extends { revoked: readonly RevokedSession[] }>(
  work: (tx: Transaction) => Promise<Result>,
  context: { requestId: string },
) => Promise<Result>;

export interface Revoking {
  /** The tokens are refused in this process before the answer, and everywhere when the events have arrived. */
  inPassing: Revoke;
  /**
   * The tokens are refused everywhere before the answer: when the events have come back to this process by the broadcast that
   * all processes hear. Until then they are not refused here either, so that the caller can ask again.
   * @throws OxoError UNAVAILABLE when they have not come in time. The work is done all the same, and the events will come.
   */
  everywhere: Revoke;
}

export function createRevoking(options: { db: Database; outbox: Outbox; denyList: DenyList }): Revoking {
  const { db, outbox, denyList } = options;

  // No effect for the relay to repeat: the deny-list of a process that died is gone with it, and the others hear the event.
  const commit: Revoke = (work, context) => {
    const write = (add: AddEvent) =>
      db.transaction(async (tx) => {
        const result = await work(tx);
        const events = result.revoked.map(({ id, accountId }) =>
          add(outbox.row(sessionRevoked, { sessionId: id, userId: accountId }, context)),
        );
        await insertEvents(tx, events);
        return result;
      });
    return outbox.commit([], write, () => undefined);
  };

  return {
    async inPassing(work, context) {
      const result = await commit(work, context);
      for (const { id } of result.revoked) denyList.deny(id);
      return result;
    },
    async everywhere(work, context) {
      const result = await commit(work, context);
      const denied = await Promise.all(result.revoked.map(({ id }) => denyList.whenDenied(id, BROADCAST_LIMIT_MS)));
      if (denied.includes(false)) throw unavailable('The sign-out has not reached every service yet. Try again.');
      return result;
    },
  };
}
