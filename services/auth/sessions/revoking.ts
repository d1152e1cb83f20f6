import type { Database, Transaction } from '#kit/db/database.ts';
import type { Outbox, OutboxRow } from '#kit/events/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { sessionRevoked } from '#kit/identity/revocations.ts';

const INSERT_EVENTS = {
  name: 'session-revoked-events',
  text: `insert into outbox (event_id, subject, payload, headers)
    select * from unnest($1::uuid[], $2::text[], $3::bytea[], $4::jsonb[])
    returning event_id, id::float8 as version`,
};

/** A row of a statement that deletes sessions. */
export interface RevokedSession {
  id: string;
  account_id: string;
}

/**
 * Runs work that says which sessions it deleted, in one transaction with their events; their tokens are refused in this process
 * before the answer, and everywhere when the events have arrived.
 */
export type Revoking = <Result extends { revoked: readonly RevokedSession[] }>(
  work: (tx: Transaction) => Promise<Result>,
  context: { requestId: string },
) => Promise<Result>;

export function createRevoking(options: { db: Database; outbox: Outbox; denyList: DenyList }): Revoking {
  const { db, outbox, denyList } = options;

  async function writeEvents(tx: Transaction, rows: readonly OutboxRow[]): Promise<void> {
    if (rows.length === 0) return;
    const written = await tx.query<{ event_id: string; version: number }>(INSERT_EVENTS, [
      rows.map((row) => row.eventId),
      rows.map((row) => row.subject),
      rows.map((row) => row.payload),
      rows.map((row) => JSON.stringify(row.headers)),
    ]);
    const versions = new Map(written.map(({ event_id, version }) => [event_id, version]));
    for (const row of rows) row.version = versions.get(row.eventId);
  }

  return (work, context) => {
    const write = (add: (row: OutboxRow) => OutboxRow) =>
      db.transaction(async (tx) => {
        const result = await work(tx);
        const events = result.revoked.map(({ id, account_id }) =>
          add(outbox.row(sessionRevoked, { sessionId: id, userId: account_id }, context)),
        );
        await writeEvents(tx, events);
        return result;
      });
    // No effect to repeat: the deny-list of a process that died is gone with it, and the others hear the event.
    return outbox.commit([], write, ({ revoked }) => {
      for (const { id } of revoked) denyList.deny(id);
      return undefined;
    });
  };
}
