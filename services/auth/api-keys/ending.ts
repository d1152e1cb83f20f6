import type { Database, Transaction } from '#kit/db/database.ts';
import { unavailable } from '#kit/errors.ts';
import { type AddEvent, insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { apiKeyRevoked } from '#kit/identity/revocations.ts';
import { BROADCAST_LIMIT_MS } from '../sessions/revoking.ts';

/** Secrets of a key that have ended; those of the whole key when it was revoked. */
export interface EndedSecrets {
  id: string;
  accountId: string;
  generations: readonly number[];
}

export interface Ending {
  /**
   * Runs work that says what it ended, in one transaction with the event, and waits until the event has come back by the broadcast that
   * every process hears.
   * @throws OxoError UNAVAILABLE when it has not come in time. The work is done all the same, and the event will come.
   */
  everywhere<Result extends { ended: EndedSecrets | undefined }>(
    work: (tx: Transaction) => Promise<Result>,
    context: { requestId: string },
  ): Promise<Result>;
}

/** The session id of the tokens that a secret of a key is exchanged for: with the secret they end. */
export function sessionIdOf(keyId: string, generation: number): string {
  return `key:${keyId}:${generation}`;
}

export function createEnding(options: { db: Database; outbox: Outbox; denyList: DenyList }): Ending {
  const { db, outbox, denyList } = options;
  return {
    async everywhere(work, context) {
      let sessionIds: string[] = [];
      // No effect for the relay to repeat: the deny-list of a process that died is gone with it, and the others hear the event.
      const write = (add: AddEvent) =>
        db.transaction(async (tx) => {
          const result = await work(tx);
          const { ended } = result;
          if (ended === undefined || ended.generations.length === 0) return result;
          sessionIds = ended.generations.map((generation) => sessionIdOf(ended.id, generation));
          const payload = { keyId: ended.id, userId: ended.accountId, sessionIds };
          await insertEvent(tx, add(outbox.row(apiKeyRevoked, payload, context)));
          return result;
        });
      const result = await outbox.commit([], write, () => undefined);
      const denied = await Promise.all(sessionIds.map((id) => denyList.whenDenied(id, BROADCAST_LIMIT_MS)));
      if (denied.includes(false)) throw unavailable('It has not reached every service yet. Try again.');
      return result;
    },
  };
}
