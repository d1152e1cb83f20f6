import type pg from 'pg';
import type { Effects } from '#kit/events/effects.ts';
import type { OutgoingEvent, Publisher } from '#kit/events/publisher.ts';
import type { Logger } from '#kit/logger.ts';

/** The most events that are published at once. */
export const BATCH_ROWS = 256;

const NEXT = {
  name: 'relay-next',
  text: `select id::float8 as version, event_id, subject, payload, headers, created_at
    from outbox where available_at <= now() order by id limit ${BATCH_ROWS}`,
};
const DELETE_PUBLISHED = { name: 'relay-delete', text: 'delete from outbox where id = any($1::bigint[])' };

/** A direct connection to the database; `lost` once it is gone, and with it the relay's lock. */
export interface Link {
  client: pg.Client;
  lost: boolean;
}

export interface BatchResult {
  /** Rows that were there to publish. */
  found: number;
  /** How many of them JetStream has stored. */
  published: number;
}

interface Row {
  version: number;
  event_id: string;
  subject: string;
  payload: Buffer;
  headers: Record<string, string>;
  created_at: Date;
}

/** Makes what publishes the oldest events of an outbox and deletes those that JetStream has acknowledged. */
export function createBatchPublisher(options: { publisher: Publisher; effects: Effects; logger: Logger }) {
  const { publisher, effects, logger } = options;
  /** Events whose effect is done and which are not yet published: the next attempt does not repeat the effect. */
  let settled = new Set<string>();

  async function isSettled(event: OutgoingEvent): Promise<boolean> {
    try {
      if (!settled.has(event.eventId)) await effects.settle(event);
      return true;
    } catch (error) {
      logger.warn(
        { err: error, eventId: event.eventId, subject: event.subject },
        'an effect failed; it is tried again',
      );
      return false;
    }
  }

  /** Up to the first event whose effect fails: no reader hears of what it cannot see yet, and the order is kept. */
  async function settledOnes(events: readonly OutgoingEvent[]): Promise<OutgoingEvent[]> {
    const ready: OutgoingEvent[] = [];
    for (const event of events) {
      if (!(await isSettled(event))) break;
      ready.push(event);
    }
    settled = new Set(ready.map(({ eventId }) => eventId));
    return ready;
  }

  return async (link: Link): Promise<BatchResult> => {
    const { rows } = await link.client.query<Row>(NEXT);
    const ready = await settledOnes(rows.map(toEvent));
    // Whoever has the lock by now publishes them.
    if (ready.length === 0 || link.lost) return { found: rows.length, published: 0 };
    const acknowledged = new Set(await publisher.publish(ready));
    const versions = ready.filter(({ eventId }) => acknowledged.has(eventId)).map(({ version }) => version);
    if (versions.length > 0) await link.client.query({ ...DELETE_PUBLISHED, values: [versions] });
    for (const eventId of acknowledged) settled.delete(eventId);
    return { found: rows.length, published: versions.length };
  };
}

function toEvent(row: Row): OutgoingEvent {
  return {
    version: row.version,
    eventId: row.event_id,
    subject: row.subject,
    payload: row.payload,
    headers: row.headers,
    createdAt: row.created_at,
  };
}
