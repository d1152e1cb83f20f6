import { after, afterEach, before, beforeEach } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { SessionRevoked } from '#gen/oxo/auth/v1/auth_events.ts';
import { systemClock } from '#kit/clock.ts';
import { createEffects, effect } from '#kit/events/outbox/effects.ts';
import { createOutbox, insertEvent, type Outbox } from '#kit/events/outbox/outbox.ts';
import { createPublisher } from '#kit/events/outbox/publisher.ts';
import { createRelay, type Relay } from '#kit/events/outbox/relay.ts';
import { quiet, startBus, type TestBus, testEvent } from '#kit/testing/bus.ts';
import { createTestDatabase, type TestDatabase } from '#kit/testing/database.ts';
import { entities, migrations } from '#kit/testing/fixtures/things.ts';

/** What one replica of a service has: an outbox and a relay. */
export interface Replica {
  relay: Relay;
  outbox: Outbox;
  /** Texts of the events whose effect the relay repeated. */
  repeated: string[];
}

export interface ReplicaOptions {
  pollMs?: number;
  effect?: (text: string) => Promise<void>;
}

/** A database and a JetStream for the tests of one file, empty before each. */
export interface Relays {
  readonly database: TestDatabase;
  readonly bus: TestBus;
  /** Its relay stops after the test. */
  startReplica(options?: ReplicaOptions): Promise<Replica>;
  /** Writes an event as a request does. @param effect what the request does itself */
  post(outbox: Outbox, text: string, effect?: () => Promise<unknown>): Promise<void>;
  outboxSize(): Promise<number>;
  /** Texts of the events that JetStream has stored, in order. */
  stored(): Promise<string[]>;
  /** Backend process ids of the relays that hold the lock. */
  leaders(): Promise<number[]>;
}

/** Registers what starts, empties and ends them with the tests of the file that calls it. */
export function useRelays(): Relays {
  let database: TestDatabase;
  let bus: TestBus;
  const started: Relay[] = [];
  before(async () => {
    [database, bus] = await Promise.all([createTestDatabase({ entities, migrations }), startBus()]);
  });
  after(async () => {
    await Promise.all([database.close(), bus.stop()]);
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((relay) => relay.stop()));
  });
  beforeEach(async () => {
    const manager = await jetstreamManager(bus.admin.connection);
    await manager.streams.purge('EVENTS');
    await database.db.query({ name: 'test-empty', text: 'delete from outbox' });
  });

  return {
    get database() {
      return database;
    },
    get bus() {
      return bus;
    },
    async startReplica(options = {}) {
      const replica = createReplica(database, bus, options);
      started.push(replica.relay);
      return replica;
    },
    post: (outbox, text, effect = async () => undefined) =>
      outbox.commit(
        [],
        (add) =>
          database.db.transaction(async (tx) => {
            const payload = { sessionId: text, userId: '' };
            await insertEvent(tx, add(outbox.row(testEvent, payload, { requestId: `request-${text}` })));
          }),
        effect,
      ),
    async outboxSize() {
      const rows = await database.db.query({ name: 'test-outbox-size', text: 'select 1 from outbox' });
      return rows.length;
    },
    stored: () => textsOf(bus),
    async leaders() {
      const rows = await database.db.query<{ pid: number }>({
        name: 'test-leaders',
        text: `select pid from pg_locks
          where relation = 'relay_lock'::regclass and mode = 'ExclusiveLock' and granted`,
      });
      return rows.map(({ pid }) => pid);
    },
  };
}

function createReplica({ db, url }: TestDatabase, bus: TestBus, options: ReplicaOptions): Replica {
  const repeated: string[] = [];
  const repeat = effect(testEvent, async ({ sessionId }) => {
    await options.effect?.(sessionId);
    repeated.push(sessionId);
  });
  const effects = createEffects([repeat], quiet);
  const publisher = createPublisher({ nats: bus.admin, source: 'test', logger: quiet, timeoutMs: 10_000 });
  const { pollMs = 50 } = options;
  const relay = createRelay({ databaseUrl: url, db, publisher, effects, logger: quiet, pollMs });
  return { relay, outbox: createOutbox({ effects, relay, clock: systemClock }), repeated };
}

async function textsOf(bus: TestBus): Promise<string[]> {
  const manager = await jetstreamManager(bus.admin.connection);
  const { state } = await manager.streams.info('EVENTS');
  const texts: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await manager.streams.getMessage('EVENTS', { seq });
    if (message !== null) texts.push(SessionRevoked.decode(message.data).sessionId);
  }
  return texts;
}
