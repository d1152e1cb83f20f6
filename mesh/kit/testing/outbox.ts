import type { Database } from '#kit/db/database.ts';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import { createEffects, type Effect } from '#kit/events/outbox/effects.ts';
import { createOutbox, type Outbox } from '#kit/events/outbox/outbox.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createRelay } from '#kit/events/outbox/relay.ts';
import type { TestContext } from '#kit/testing/context.ts';

export interface StoredEvent {
  subject: string;
  version: number;
  payload: Buffer;
}

export interface TestOutbox {
  outbox: Outbox;
  /** Events that wait for the relay, oldest first. */
  events(): Promise<StoredEvent[]>;
  /** Runs the relay of a process that has just started, as after a kill. @returns how many events it published */
  relay(nats: NatsBus): Promise<number>;
}

export interface TestOutboxOptions {
  /** Of the service, which is made with the outbox and so is there only later. */
  effects?: () => readonly Effect[];
  /** Called after each commit with an event, when a process would tell its relay. */
  committed?: () => void;
}

/** The outbox of a service under test, whose relay runs only when the test says so. */
export function createTestOutbox(
  context: TestContext,
  database: { db: Database; url: string },
  options: TestOutboxOptions = {},
): TestOutbox {
  const { service, clock, logger } = context;
  const { db, url } = database;
  const { effects = () => [], committed = () => undefined } = options;
  return {
    outbox: createOutbox({ effects: createEffects([], logger), relay: { committed }, clock }),
    events: () =>
      db.query<StoredEvent>({
        name: 'test-outbox',
        text: 'select subject, id::float8 as version, payload from outbox order by id',
      }),
    async relay(nats) {
      const publisher = createPublisher({ nats, source: service, logger });
      try {
        return await createRelay({
          databaseUrl: url,
          db,
          publisher,
          effects: createEffects(effects(), logger),
          logger,
        }).processAll();
      } finally {
        publisher.close();
      }
    },
  };
}
