import type { Clock } from '#kit/clock.ts';
import type { Transaction } from '#kit/db/database.ts';
import type { EventDefinition } from '#kit/events/envelope.ts';
import type { Effects } from '#kit/events/outbox/effects.ts';
import type { OutgoingEvent } from '#kit/events/outbox/publisher.ts';
import type { Relay } from '#kit/events/outbox/relay.ts';
import { newId } from '#kit/ids.ts';
import { injectTrace } from '#kit/observability/trace.ts';

/**
 * For a migration of a service that begins to publish events. It never changes, because migrations that have run must go on saying
 * what they did: another shape is a V2 beside it, as the change from V1. The sequence is drawn after the lock on the aggregate's
 * row, so an id is also the version of what the event tells: it grows across delete and re-create.
 */
export const outboxTableV1 = `
  create sequence outbox_id_seq as bigint;
  create table outbox (
    id bigint primary key default nextval('outbox_id_seq'),
    event_id uuid not null,
    subject text not null,
    payload bytea not null,
    headers jsonb not null,
    available_at timestamptz not null default now(),
    created_at timestamptz not null default now()
  );`;

/** What a statement writes into an outbox row beside its state. */
export interface OutboxRow {
  eventId: string;
  subject: string;
  payload: Buffer;
  /** traceparent and x-request-id, so that the trace goes on in the consumer. */
  headers: Readonly<Record<string, string>>;
  /**
   * Its id in the outbox, put here by whoever wrote the row and was told it: then the relay of this process publishes the event
   * without reading it from the table first.
   */
  version?: number;
}

/** The row's values in the order of the columns event_id, subject, payload, headers. */
export function outboxValues(row: OutboxRow): unknown[] {
  return [row.eventId, row.subject, row.payload, JSON.stringify(row.headers)];
}

const INSERT = {
  name: 'outbox-insert',
  text: `insert into outbox (id, event_id, subject, payload, headers)
    values (coalesce($5, nextval('outbox_id_seq')), $1, $2, $3, $4) returning id::float8 as version`,
};

/**
 * Writes an event in the transaction that changes what it tells of, after the lock on the aggregate's row.
 * @param version when the statement that changed the row has drawn it from `outbox_id_seq` already
 * @returns its id in the outbox: the new version of the aggregate
 */
export async function insertEvent(tx: Transaction, row: OutboxRow, version?: number): Promise<number> {
  const [inserted] = await tx.query<{ version: number }>(INSERT, [...outboxValues(row), version]);
  if (inserted === undefined) throw new Error('The outbox gave no version.');
  row.version = inserted.version;
  return inserted.version;
}

const INSERT_MANY = {
  name: 'outbox-insert-many',
  text: `insert into outbox (event_id, subject, payload, headers)
    select * from unnest($1::uuid[], $2::text[], $3::bytea[], $4::jsonb[])
    returning event_id as "eventId", id::float8 as version`,
};

/** Writes many events as `insertEvent` does, in one statement. */
export async function insertEvents(tx: Transaction, rows: readonly OutboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  const written = await tx.query<{ eventId: string; version: number }>(INSERT_MANY, [
    rows.map((row) => row.eventId),
    rows.map((row) => row.subject),
    rows.map((row) => row.payload),
    rows.map((row) => JSON.stringify(row.headers)),
  ]);
  const versions = new Map(written.map(({ eventId, version }) => [eventId, version]));
  for (const row of rows) row.version = versions.get(row.eventId);
}

/** Tells `Outbox.commit` of an event that is made on the way; gives the row back. */
export type AddEvent = (row: OutboxRow) => OutboxRow;

/** How handlers publish: an event is a row that is written with the state it tells of. */
export interface Outbox {
  /** Makes the row of an event. The request id and the trace that is going on are written into it. */
  row<Payload>(event: EventDefinition<Payload>, payload: Payload, context: { requestId: string }): OutboxRow;
  /**
   * Writes state and events, does what must be true before the answer, and gives the events to the relay.
   * @param rows events whose payload is known before the write
   * @param write writes the rows with their state, in one statement or one transaction. An event whose payload depends on
   * what it reads is made on the way and given to `add` before it is written
   * @param effect gets what `write` gave; it is repeated by the relay when this process dies before it is done
   */
  commit<Result>(
    rows: readonly OutboxRow[],
    write: (add: AddEvent) => Promise<Result>,
    effect: (result: Result) => Promise<unknown> | undefined,
  ): Promise<Result>;
}

/** @param options.relay is told of what was committed, and publishes it without a look into the table */
export function createOutbox(options: { effects: Effects; relay: Pick<Relay, 'committed'>; clock: Clock }): Outbox {
  const { effects, relay, clock } = options;
  return {
    row(event, payload, { requestId }) {
      const headers: Record<string, string> = { 'x-request-id': requestId };
      injectTrace(headers);
      return {
        eventId: newId(clock.nowMs()),
        subject: event.subject,
        payload: Buffer.from(event.type.encode(payload).finish()),
        headers,
      };
    },
    async commit(rows, write, effect) {
      const added: OutboxRow[] = [];
      const { result, done } = await effects.after((expect) => {
        const add = (row: OutboxRow) => {
          expect(row.eventId);
          added.push(row);
          return row;
        };
        rows.forEach(add);
        return write(add);
      }, effect);
      if (added.length > 0) relay.committed(done && added.every(isWritten) ? added.map(toEvent) : []);
      return result;
    },
  };
}

/** An event without a version was not written, or nobody was told: only the table knows. */
function isWritten(row: OutboxRow): boolean {
  return row.version !== undefined;
}

function toEvent({ eventId, subject, payload, headers, version = 0 }: OutboxRow): OutgoingEvent {
  return { eventId, version, subject, payload, headers };
}
