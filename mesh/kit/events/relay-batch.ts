import type pg from 'pg';
import type { Effects } from '#kit/events/effects.ts';
import type { OutgoingEvent, Publisher } from '#kit/events/publisher.ts';
import type { Logger } from '#kit/logger.ts';

/** The most events that are published at once. */
export const BATCH_ROWS = 256;

/** Deletes what was published before and fetches what comes next: under load, one round trip a batch. */
const NEXT = {
  name: 'relay-next',
  text: `with gone as (delete from outbox where id = any($1::bigint[]))
    select id::float8 as version, event_id, subject, payload, headers, created_at
    from outbox where available_at <= now() and id <> all ($1::bigint[]) order by id limit ${BATCH_ROWS}`,
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

/** Publishes the oldest events of an outbox and deletes those that JetStream has acknowledged. */
export interface BatchPublisher {
  /** Publishes one batch. What it published is deleted by the next one, or by `finish`. */
  publish(link: Link): Promise<BatchResult>;
  /** Deletes what the last batch published. A kill before it repeats events, which readers take once. */
  finish(link: Link): Promise<void>;
}

export function createBatchPublisher(options: {
  publisher: Publisher;
  effects: Effects;
  logger: Logger;
}): BatchPublisher {
  const { publisher, effects, logger } = options;
  /** Events whose effect is done and which are not yet published: the next attempt does not repeat the effect. */
  let settled = new Set<string>();
  /** Outbox ids of what the last batch published: not yet deleted. */
  let published: number[] = [];

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

  return {
    async publish(link) {
      const { rows } = await link.client.query<Row>({ ...NEXT, values: [published] });
      published = [];
      const ready = await settledOnes(rows.map(toEvent));
      // Whoever has the lock by now publishes them.
      if (ready.length === 0 || link.lost) return { found: rows.length, published: 0 };
      const acknowledged = new Set(await publisher.publish(ready));
      published = ready.filter(({ eventId }) => acknowledged.has(eventId)).map(({ version }) => version);
      for (const eventId of acknowledged) settled.delete(eventId);
      return { found: rows.length, published: published.length };
    },
    async finish(link) {
      if (published.length > 0 && !link.lost) await link.client.query({ ...DELETE_PUBLISHED, values: [published] });
      published = [];
    },
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
