import type { Effects } from '#kit/events/outbox/effects.ts';
import type { OutgoingEvent, Publisher } from '#kit/events/outbox/publisher.ts';
import type { Link } from '#kit/events/outbox/relay-link.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';

/** The most events that are published at once. */
export const BATCH_ROWS = 256;
/** Effects that are repeated at the same time. */
const EFFECTS_AT_ONCE = 16;
/** Events whose effect is known to be done; beyond it an effect may be done twice, which it may be at any time. */
const MAX_SETTLED = 10_000;

/** Deletes what was published before and fetches what else is due: one round trip. */
const NEXT = {
  name: 'relay-next',
  text: `with gone as (delete from outbox where id = any($1::bigint[]))
    select id::float8 as version, event_id as "eventId", subject, payload, headers
    from outbox where available_at <= now() and id <> all ($1::bigint[]) order by id limit ${BATCH_ROWS}`,
};
/** An effect that fails is tried again after a second; until then its event is not due, and makes way for others. */
const POSTPONE = {
  name: 'relay-postpone',
  text: "update outbox set available_at = now() + interval '1 second' where id = any($1::bigint[])",
};
const DELETE_PUBLISHED = { name: 'relay-delete', text: 'delete from outbox where id = any($1::bigint[])' };

export interface SweepResult {
  /** Whether there may be more in the table. */
  isFull: boolean;
  /** Rows that were there to publish and that no request of this process is at. */
  found: number;
  /** How many of them have their effect. */
  ready: number;
  /** How many of them JetStream has stored. */
  published: number;
}

/** Publishes events of an outbox, and deletes those that JetStream has acknowledged. */
export interface BatchPublisher {
  /** Publishes events of this process whose effects are done. @returns whether JetStream has stored them all */
  publish(link: Link, events: readonly OutgoingEvent[]): Promise<boolean>;
  /** Deletes what was published, and publishes what else is due. @param isKnown tells which events `publish` will be given */
  sweep(link: Link, isKnown: (version: number) => boolean): Promise<SweepResult>;
  /** Deletes what was published. A kill before it repeats events, which readers take once. */
  finish(link: Link): Promise<void>;
  /** Outbox rows that are published and not yet deleted. */
  deletable(): number;
  /** The effect of this event is done: a sweep need not repeat it. */
  settled(eventId: string): void;
}

/** The part of the relay that publishes and deletes rows. It needs the lock: only the relay that leads calls it. */
export function createBatchPublisher(options: {
  publisher: Publisher;
  effects: Effects;
  logger: Logger;
  /** Is told how many events JetStream has acknowledged. */
  onPublished?: (events: number) => void;
}): BatchPublisher {
  const { publisher, effects, logger, onPublished } = options;
  const warn = warnSeldom(logger);
  const done = new Set<string>();
  let published: number[] = [];

  function settled(eventId: string): void {
    done.add(eventId);
    const [oldest] = done;
    if (done.size > MAX_SETTLED && oldest !== undefined) done.delete(oldest);
  }

  async function settle(event: OutgoingEvent): Promise<boolean> {
    try {
      if (!done.has(event.eventId)) await effects.repeat(event);
      settled(event.eventId);
      return true;
    } catch (error) {
      const { eventId, subject } = event;
      warn({ err: error, eventId, subject }, 'an effect failed; it is tried again');
      return false;
    }
  }

  /** Those whose effect is done: no reader hears of what it cannot see yet. */
  async function withEffect(events: readonly OutgoingEvent[]): Promise<OutgoingEvent[]> {
    const ready: OutgoingEvent[] = [];
    for (let start = 0; start < events.length; start += EFFECTS_AT_ONCE) {
      const some = events.slice(start, start + EFFECTS_AT_ONCE);
      const outcomes = await Promise.all(some.map(settle));
      ready.push(...some.filter((_, index) => outcomes[index]));
    }
    return ready;
  }

  async function send(link: Link, events: readonly OutgoingEvent[]): Promise<number> {
    // Whoever has the lock by now publishes them.
    if (events.length === 0 || link.lost) return 0;
    const acknowledged = new Set(await publisher.publish(events));
    for (const { eventId, version } of events) {
      if (!acknowledged.has(eventId)) continue;
      published.push(version);
      done.delete(eventId);
    }
    onPublished?.(acknowledged.size);
    return acknowledged.size;
  }

  return {
    async publish(link, events) {
      return (await send(link, events)) === events.length;
    },
    async sweep(link, isKnown) {
      const deleting = published;
      published = [];
      const { rows } = await link.client.query<OutgoingEvent>({ ...NEXT, values: [deleting] });
      const left = rows.filter(({ eventId, version }) => !effects.isUnderWay(eventId) && !isKnown(version));
      const ready = await withEffect(left);
      const versions = new Set(ready.map(({ version }) => version));
      const failed = left.flatMap(({ version }) => (versions.has(version) ? [] : version));
      if (failed.length > 0 && !link.lost) await link.client.query({ ...POSTPONE, values: [failed] });
      const isFull = rows.length === BATCH_ROWS;
      return { isFull, found: left.length, ready: ready.length, published: await send(link, ready) };
    },
    async finish(link) {
      if (published.length > 0 && !link.lost) await link.client.query({ ...DELETE_PUBLISHED, values: [published] });
      published = [];
    },
    deletable: () => published.length,
    settled,
  };
}
