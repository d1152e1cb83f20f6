import pg from 'pg';
import type { Queryable } from '#kit/db/database.ts';
import type { Effects } from '#kit/events/effects.ts';
import type { Publisher } from '#kit/events/publisher.ts';
import { BATCH_ROWS, createBatchPublisher, type Link } from '#kit/events/relay-batch.ts';
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

const DEFAULT_POLL_MS = 500;
const RETRY_MS = 250;
/**
 * After a batch, events gather for this long: every batch costs the same round trips. An event that comes when nothing was
 * published just before does not wait.
 */
const GATHER_MS = 8;
/** Other replicas are told of a commit at most once in this time. */
const NOTIFY_INTERVAL_MS = 5;
const CONNECTION_TIMEOUT_MS = 3_000;
/** A connection that gives no answer in this time is given up, and with it the lock. */
const QUERY_TIMEOUT_MS = 10_000;

const TRY_LOCK =
  "select pg_try_advisory_lock(hashtext('outbox-relay:' || current_schema())) as locked, current_schema() as schema";
const NOTIFY = { name: 'relay-notify', text: "select pg_notify('outbox_' || current_schema(), '')" };

/**
 * Carries the outbox of one schema to JetStream. One relay a schema at a time holds the advisory lock; the others wait for
 * it. Rows are published in order and deleted when JetStream has acknowledged them, so a kill at any moment repeats an event
 * and never loses one.
 */
export function createRelay(options: RelayOptions): Relay {
  const { databaseUrl, publisher, effects, db, logger, pollMs = DEFAULT_POLL_MS } = options;
  const batches = createBatchPublisher({ publisher, effects, logger });
  const sleeper = createSleeper();
  let stopping = false;
  let running: Promise<void> | undefined;
  let leader: Link | undefined;
  let notifyTimer: NodeJS.Timeout | undefined;

  function notifyLeader(): void {
    notifyTimer ??= setTimeout(() => {
      notifyTimer = undefined;
      // The leader's poll finds the event when this fails.
      db.query(NOTIFY).catch((error: unknown) => logger.debug({ err: error }, 'the relay was not notified'));
    }, NOTIFY_INTERVAL_MS);
  }

  async function lead(link: Link): Promise<void> {
    while (!stopping && !link.lost) {
      sleeper.reset();
      const { found, published } = await batches.publish(link);
      if (published < found) await sleeper.rest(RETRY_MS);
      else if (found === 0) await sleeper.sleep(pollMs);
      else if (found < BATCH_ROWS) await sleeper.rest(GATHER_MS);
    }
  }

  async function connect(): Promise<Link> {
    const link = await openLink(databaseUrl, (lost) => {
      if (leader === lost) leader = undefined;
      sleeper.interrupt();
    });
    link.client.on('notification', sleeper.wake);
    return link;
  }

  /** One life of the connection: wait for the lock, then publish until the connection is lost or the relay stops. */
  async function serve(): Promise<void> {
    const link = await connect();
    try {
      while (!stopping && !link.lost) {
        sleeper.reset();
        const { rows } = await link.client.query<{ locked: boolean; schema: string }>(TRY_LOCK);
        if (rows[0]?.locked) {
          leader = link;
          logger.info('the relay leads');
          await link.client.query(`listen "outbox_${rows[0].schema}"`);
          return await lead(link);
        }
        await sleeper.sleep(pollMs);
      }
    } finally {
      if (leader === link) leader = undefined;
      await batches.finish(link).catch(() => undefined);
      await link.client.end().catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    while (!stopping) {
      try {
        await serve();
      } catch (error) {
        logger.warn({ err: error }, 'the relay failed and tries again');
      }
      sleeper.reset();
      if (!stopping) await sleeper.rest(RETRY_MS);
    }
  }

  return {
    wake() {
      if (leader !== undefined) sleeper.wake();
      else notifyLeader();
    },
    start() {
      running ??= run();
    },
    async stop() {
      stopping = true;
      clearTimeout(notifyTimer);
      sleeper.interrupt();
      await running;
    },
    async processAll() {
      const link = await connect();
      try {
        let total = 0;
        for (;;) {
          const { found, published } = await batches.publish(link);
          await batches.finish(link);
          total += published;
          if (found < BATCH_ROWS || published < found) return total;
        }
      } finally {
        await link.client.end();
      }
    },
  };
}

async function openLink(databaseUrl: string, onLost: (link: Link) => void): Promise<Link> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'oxo-relay',
  });
  const link: Link = { client, lost: false };
  const lose = () => {
    link.lost = true;
    onLost(link);
  };
  client.on('error', lose);
  client.on('end', lose);
  await client.connect();
  return link;
}

/** Lets one loop wait, and others end its waiting. What happened since `reset` counts: nothing is missed in between. */
function createSleeper() {
  let woken = false;
  let interrupted = false;
  let end: (() => void) | undefined;
  let isResting = false;

  async function wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    end = resolve;
    await promise;
    clearTimeout(timer);
    end = undefined;
  }

  return {
    reset(): void {
      woken = false;
      interrupted = false;
    },
    /** There is work: ends `sleep`. */
    wake(): void {
      woken = true;
      if (!isResting) end?.();
    },
    /** Something else has changed: ends `sleep` and `rest`. */
    interrupt(): void {
      interrupted = true;
      end?.();
    },
    async sleep(ms: number): Promise<void> {
      if (!woken && !interrupted) await wait(ms);
    },
    /** Before another attempt at what has failed: more work is no reason to hurry. */
    async rest(ms: number): Promise<void> {
      if (interrupted) return;
      isResting = true;
      await wait(ms);
      isResting = false;
    },
  };
}
