import pg from 'pg';
import type { Queryable } from '#kit/db/database.ts';
import type { Effects } from '#kit/events/effects.ts';
import type { OutgoingEvent, Publisher } from '#kit/events/publisher.ts';
import type { Logger } from '#kit/logger.ts';

export interface Relay {
  /** Tells that events were committed. When another replica's relay leads, it is told by a NOTIFY. */
  wake(): void;
  start(): void;
  /** Finishes the batch in hand and gives the lock back. */
  stop(): Promise<void>;
  /** Publishes what is in the outbox now. For tests; the relay must not be started. @returns how many */
  processAll(): Promise<number>;
}

export interface RelayOptions {
  /** A direct connection: the lock belongs to it, so a pooler between would give it away. */
  databaseUrl: string;
  publisher: Publisher;
  effects: Effects;
  db: Queryable;
  logger: Logger;
  /** Polls this often when nobody wakes it; delayed events become due by it. */
  pollMs?: number;
}

const BATCH_ROWS = 256;
const DEFAULT_POLL_MS = 500;
const RETRY_MS = 250;
/** Other replicas are told of a commit at most once in this time. */
const NOTIFY_INTERVAL_MS = 5;

const TRY_LOCK =
  "select pg_try_advisory_lock(hashtext('outbox-relay:' || current_schema())) as locked, current_schema() as schema";
const NEXT_BATCH = {
  name: 'relay-next',
  text: `select id::float8 as version, event_id, subject, payload, headers, created_at
    from outbox where available_at <= now() order by id limit ${BATCH_ROWS}`,
};
const NOTIFY = { name: 'relay-notify', text: "select pg_notify('outbox_' || current_schema(), '')" };
const DELETE_PUBLISHED = { name: 'relay-delete', text: 'delete from outbox where id = any($1::bigint[])' };

interface Row {
  version: number;
  event_id: string;
  subject: string;
  payload: Buffer;
  headers: Record<string, string>;
  created_at: Date;
}

/**
 * Carries the outbox of one schema to JetStream. One relay a schema at a time holds the advisory lock; the others wait for
 * it. Rows are published in order and deleted when JetStream has acknowledged them, so a kill at any moment repeats an event
 * and never loses one.
 */
export function createRelay(options: RelayOptions): Relay {
  const { databaseUrl, publisher, effects, db, logger, pollMs = DEFAULT_POLL_MS } = options;
  let stopping = false;
  let running: Promise<void> | undefined;
  let leader: pg.Client | undefined;
  let woken = false;
  let wakeSleeper: (() => void) | undefined;
  let notifyTimer: NodeJS.Timeout | undefined;

  function interrupt(): void {
    woken = true;
    wakeSleeper?.();
  }

  function notifyLeader(): void {
    notifyTimer ??= setTimeout(() => {
      notifyTimer = undefined;
      // The leader's poll finds the event when this fails.
      db.query(NOTIFY).catch((error: unknown) => logger.debug({ err: error }, 'the relay was not notified'));
    }, NOTIFY_INTERVAL_MS);
  }

  function sleep(ms: number): Promise<void> {
    if (woken || stopping) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      function done() {
        clearTimeout(timer);
        wakeSleeper = undefined;
        resolve();
      }
      wakeSleeper = done;
    });
  }

  /** @returns how many rows were there to publish, and how many of them were */
  async function publishBatch(client: pg.Client): Promise<{ found: number; published: number }> {
    const { rows } = await client.query<Row>(NEXT_BATCH);
    if (rows.length === 0) return { found: 0, published: 0 };
    const events = rows.map(toEvent);
    for (const event of events) await effects.settle(event);
    const acknowledged = new Set(await publisher.publish(events));
    const versions = events.filter((event) => acknowledged.has(event.eventId)).map((event) => event.version);
    if (versions.length > 0) await client.query({ ...DELETE_PUBLISHED, values: [versions] });
    return { found: rows.length, published: versions.length };
  }

  async function lead(client: pg.Client): Promise<void> {
    while (!stopping && leader === client) {
      woken = false;
      const { found, published } = await publishBatch(client);
      if (published < found) await sleep(RETRY_MS);
      else if (found < BATCH_ROWS) await sleep(pollMs);
    }
  }

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 3_000, keepAlive: true });
    const lost = () => {
      if (leader === client) leader = undefined;
      interrupt();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', interrupt);
    await client.connect();
    return client;
  }

  /** One life of the connection: wait for the lock, then publish until the connection is lost or the relay stops. */
  async function serve(): Promise<void> {
    const client = await connect();
    try {
      while (!stopping) {
        const { rows } = await client.query<{ locked: boolean; schema: string }>(TRY_LOCK);
        if (rows[0]?.locked) {
          leader = client;
          await client.query(`listen "outbox_${rows[0].schema}"`);
          await lead(client);
          return;
        }
        woken = false;
        await sleep(pollMs);
      }
    } finally {
      if (leader === client) leader = undefined;
      await client.end().catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        await serve();
      } catch (error) {
        logger.warn({ err: error }, 'the relay failed and tries again');
        woken = false;
        await sleep(RETRY_MS);
      }
    }
  }

  return {
    wake() {
      if (leader !== undefined) interrupt();
      else notifyLeader();
    },
    start() {
      running ??= run();
    },
    async stop() {
      stopping = true;
      clearTimeout(notifyTimer);
      wakeSleeper?.();
      await running;
    },
    async processAll() {
      const client = await connect();
      try {
        let total = 0;
        for (;;) {
          const { found, published } = await publishBatch(client);
          total += published;
          if (found < BATCH_ROWS || published < found) return total;
        }
      } finally {
        await client.end();
      }
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
