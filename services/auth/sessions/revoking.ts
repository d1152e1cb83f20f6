import { DAY_MS } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import { unavailable } from '#kit/errors.ts';
import { apiKeyRevoked, sessionRevoked } from '#kit/events/consumers/revocations.ts';
import { type AddEvent, insertEvents, type Outbox, type OutboxRow } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import type { RevokedSession } from '../entities/session-entity.ts';
import { BROADCAST_LIMIT_MS } from '../events.ts';
import { type EndedKey, sessionIdOf } from './key-sessions.ts';

/** So long it is known what was revoked: whoever asks again is told whether every process has heard of it. */
export const REVOKED_KEPT_MS = DAY_MS;

/** What work has ended. */
export interface Ended {
  /** Sessions, and grants of clients, whose tokens carry their ids as sessions do. */
  revoked?: readonly RevokedSession[];
  /** API keys, or secrets of them. */
  endedKeys?: readonly EndedKey[];
}

/** Runs work that says what it ended, in one transaction with the events that tell of it. */
type Revoke = <Result extends Ended>(
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

export interface RevokingOptions {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
}

export function createRevoking(options: RevokingOptions): Revoking {
  const { db, outbox, denyList } = options;

  function eventsOf({ revoked = [], endedKeys = [] }: Ended, context: { requestId: string }): OutboxRow[] {
    const ofSessions = revoked.map(({ id, accountId }) =>
      outbox.row(sessionRevoked, { sessionId: id, userId: accountId }, context),
    );
    const ofKeys = endedKeys
      .filter(({ generations }) => generations.length > 0)
      .map((key) =>
        outbox.row(apiKeyRevoked, { keyId: key.id, userId: key.accountId, sessionIds: sessionsOf(key) }, context),
      );
    return [...ofSessions, ...ofKeys];
  }

  // No effect for the relay to repeat: the deny-list of a process that died is gone with it, and the others hear the event.
  const commit: Revoke = (work, context) => {
    const write = (add: AddEvent) =>
      db.transaction(async (tx) => {
        const result = await work(tx);
        await insertEvents(tx, eventsOf(result, context).map(add));
        return result;
      });
    return outbox.commit([], write, () => undefined);
  };

  return {
    async inPassing(work, context) {
      const result = await commit(work, context);
      for (const id of refusedBy(result)) denyList.deny(id);
      return result;
    },
    async everywhere(work, context) {
      const result = await commit(work, context);
      const denied = await Promise.all(refusedBy(result).map((id) => denyList.whenDenied(id, BROADCAST_LIMIT_MS)));
      if (denied.includes(false)) throw unavailable('It has not reached every service yet. Try again.');
      return result;
    },
  };
}

function sessionsOf({ id, generations }: EndedKey): string[] {
  return generations.map((generation) => sessionIdOf(id, generation));
}

function refusedBy({ revoked = [], endedKeys = [] }: Ended): string[] {
  return [...revoked.map(({ id }) => id), ...endedKeys.flatMap(sessionsOf)];
}
