import { type Clock, DAY_MS } from '#kit/clock.ts';
import type { Database, Transaction } from '#kit/db/database.ts';

/** Anybody may register a client; one that was never given a token is forgotten after so long. */
export const UNUSED_KEPT_MS = 30 * DAY_MS;
/** One that was, when it was given none for so long. */
export const USED_KEPT_MS = 180 * DAY_MS;
/** Of those that nobody has consented to so many are kept, the ones that were used last. */
const MAX_KEPT = 100_000;

const BATCH_ROWS = 1_000;
const MAX_BATCHES = 1_000;
/** Never one that a person has on their list, or has given something: whoever takes it back finds it there. */
const NOBODYS = `not exists (select from consents where client_id = oauth_clients.id)
      and not exists (select from oauth_grants where client_id = oauth_clients.id)`;
const LAST_USE = 'coalesce(used_at_ms, created_at_ms)';

// Locked first, so that a consent that is given at this moment is seen by the statement that deletes, or finds the client gone.
const LOCK_OLD = {
  name: 'oauth-clients-lock-old',
  text: `select id from oauth_clients
    where ${LAST_USE} <= $1 and (used_at_ms is null or used_at_ms <= $2) and ${NOBODYS}
    limit ${BATCH_ROWS} for update skip locked`,
};
const LOCK_SURPLUS = {
  name: 'oauth-clients-lock-surplus',
  text: `select id from oauth_clients where ${NOBODYS} order by ${LAST_USE} desc offset $1 limit ${BATCH_ROWS} for update skip locked`,
};
const DELETE = {
  name: 'oauth-clients-delete',
  text: `delete from oauth_clients where id = any($1) and ${NOBODYS} returning 1`,
};

/**
 * Forgets clients that nobody has consented to: those that were not used for long, and the ones that are too many.
 * @returns how many
 */
export async function forgetClients(db: Database, clock: Clock, maxKept = MAX_KEPT): Promise<number> {
  const nowMs = clock.nowMs();
  const old = (tx: Transaction) => tx.query<{ id: string }>(LOCK_OLD, [nowMs - UNUSED_KEPT_MS, nowMs - USED_KEPT_MS]);
  const surplus = (tx: Transaction) => tx.query<{ id: string }>(LOCK_SURPLUS, [maxKept]);
  return (await forget(db, old)) + (await forget(db, surplus));
}

async function forget(db: Database, lock: (tx: Transaction) => Promise<{ id: string }[]>): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const deleted = await db.transaction(async (tx) => {
      const ids = (await lock(tx)).map(({ id }) => id);
      return ids.length === 0 ? 0 : (await tx.query(DELETE, [ids])).length;
    });
    total += deleted;
    if (deleted < BATCH_ROWS) break;
  }
  return total;
}
