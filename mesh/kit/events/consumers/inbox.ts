/**
 * The inbox: which events a consumer has handled already, written in the handler's own transaction, so that a second delivery changes nothing.
 * It waits for its first service: what handles events today is idempotent by nature.
 */
import type { Queryable, Statement } from '#kit/db/database.ts';
import { EVENTS_RETENTION_DAYS } from '#kit/events/jetstream/streams.ts';

/** For a migration of a service that begins to handle events by the inbox. It never changes; see `outboxTableV1`. */
export const inboxTableV1 = `
  create table inbox (
    consumer text not null,
    event_id uuid not null,
    handled_at timestamptz not null default now(),
    primary key (consumer, event_id)
  );
  create index inbox_handled_at on inbox (handled_at);`;

/** A day longer than the stream can deliver an event again. */
const KEEP_DAYS = EVENTS_RETENTION_DAYS + 1;
const CLEAN_LIMIT = 5_000;

const CLAIM: Statement = {
  name: 'inbox-claim',
  text: 'insert into inbox (consumer, event_id) values ($1, $2) on conflict do nothing returning 1 as claimed',
};
const CLEAN: Statement = {
  name: 'inbox-clean',
  text: `delete from inbox where ctid = any (array(
    select ctid from inbox where handled_at < now() - make_interval(days => ${KEEP_DAYS}) limit ${CLEAN_LIMIT}
  )) returning 1 as deleted`,
};

/**
 * Claims the event for the consumer. Call it first in the handler's transaction: a concurrent delivery waits for the commit.
 * @returns false when it was handled before; the handler then has nothing to do.
 */
export async function claimEvent(tx: Queryable, consumer: string, eventId: string): Promise<boolean> {
  return (await tx.query(CLAIM, [consumer, eventId])).length > 0;
}

/** Deletes up to 5,000 entries older than the stream keeps events. @returns how many; call again while it is 5,000. */
export async function cleanInbox(db: Queryable): Promise<number> {
  return (await db.query(CLEAN)).length;
}
