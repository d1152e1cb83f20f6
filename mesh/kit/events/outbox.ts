import type { Clock } from '#kit/clock.ts';
import type { EventDefinition } from '#kit/events/envelope.ts';
import { newId } from '#kit/ids.ts';

import { injectTrace } from '#kit/trace.ts';

/**
 * For the first migration of a service that publishes events. The sequence is drawn after the lock on the aggregate's row,
 * so an id is also the version of what the event tells: it grows across delete and re-create.
 */
export const outboxTableSql = `
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

/** The four values that a statement writes into an outbox row beside its state. */
export interface OutboxRow {
  eventId: string;
  subject: string;
  payload: Buffer;
  /** JSON: traceparent and x-request-id, so that the trace goes on in the consumer. */
  headers: string;
}

/** Draws the version of what is about to change. After the lock on the aggregate's row, or versions do not grow. */
export const NEXT_VERSION = { name: 'outbox-next-version', text: "select nextval('outbox_id_seq')::float8 as version" };

/** Writes an event whose version was drawn by NEXT_VERSION. Values: version, then `outboxValues`. */
export const INSERT_EVENT = {
  name: 'outbox-insert',
  text: 'insert into outbox (id, event_id, subject, payload, headers) values ($1, $2, $3, $4, $5)',
};

/** Makes the outbox row of an event. The trace that is going on is written into it. */
export function outboxRow<Payload>(
  event: EventDefinition<Payload>,
  payload: Payload,
  options: { clock: Clock; requestId: string },
): OutboxRow {
  const headers: Record<string, string> = { 'x-request-id': options.requestId };
  injectTrace(headers);
  return {
    eventId: newId(options.clock.nowMs()),
    subject: event.subject,
    payload: Buffer.from(event.type.encode(payload).finish()),
    headers: JSON.stringify(headers),
  };
}

/** The row's values in the order of the columns event_id, subject, payload, headers. */
export function outboxValues(row: OutboxRow): unknown[] {
  return [row.eventId, row.subject, row.payload, row.headers];
}
