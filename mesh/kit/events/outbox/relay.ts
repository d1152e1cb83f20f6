import pg from 'pg';
import { pause } from '#kit/background.ts';
import type { Queryable } from '#kit/db/database.ts';
import { openOwnerLock } from '#kit/db/owner-lock.ts';
import type { Effects } from '#kit/events/outbox/effects.ts';
import type { OutgoingEvent, Publisher } from '#kit/events/outbox/publisher.ts';
import { type BatchPublisher, createBatchPublisher } from '#kit/events/outbox/relay-batch.ts';
import { type Link, openLink, RELAY_LOCK, RELAY_NAME } from '#kit/events/outbox/relay-link.ts';
import { createRelayQueue, RETRY_MS } from '#kit/events/outbox/relay-queue.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';

export interface Relay {
  /**
   * Takes over events that this process has committed and whose effects are done. With none: something was committed, and the
   * table tells what. When another replica's relay leads, it is told by a NOTIFY.
   */
  committed(events: readonly OutgoingEvent[]): void;
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
  /** Is told how many events JetStream has acknowledged. */
  onPublished?: (events: number) => void;
  /** Looks into the table this often when nobody asks for it; delayed events become due by it. */
  pollMs?: number;
}

const DEFAULT_POLL_MS = 500;
/** Whoever waits for the lock looks for it this often. Not by waiting in the statement: that may hold a snapshot. */
const LOCK_POLL_MS = 100;
/** Other replicas are told of a commit at most once in this time. */
const NOTIFY_INTERVAL_MS = 5;

const NOTIFY = { name: 'relay-notify', text: "select pg_notify(name, '') from relay_channel" };

/**
 * Carries the outbox of one schema to JetStream. One relay a schema at a time holds the lock, by a connection of its own; the
 * others wait for it.
 *
 * What its own process commits it is given and publishes at once. The table is for all else, in sweeps: what other replicas
 * wrote, what a dead process left, what JetStream did not take. Rows are deleted when JetStream has acknowledged their events,
 * so a kill at any moment repeats an event and never loses one.
 */
export function createRelay(options: RelayOptions): Relay {
  const { databaseUrl, publisher, effects, db, logger, onPublished, pollMs = DEFAULT_POLL_MS } = options;
  const batches = createBatchPublisher({ publisher, effects, logger, onPublished });
  const warn = warnSeldom(logger);
  const queue = createRelayQueue(batches, pollMs);
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let leads = false;
  const notifyLeader = atMostEvery(NOTIFY_INTERVAL_MS, () => {
    // The leader's poll finds the event when this fails.
    db.query(NOTIFY).catch((error: unknown) => logger.debug({ err: error }, 'the relay was not notified'));
  });

  async function connect(): Promise<Link> {
    const link = await openLink(databaseUrl, () => {
      leads = false;
      queue.interrupt();
    });
    link.client.on('notification', queue.sweepSoon);
    return link;
  }

  /** One life of the connections: wait for the lock, then publish until one of them is lost or the relay stops. */
  async function serve(): Promise<void> {
    let link: Link | undefined;
    const lock = await openOwnerLock({
      databaseUrl,
      name: RELAY_LOCK,
      applicationName: RELAY_NAME,
      onLost() {
        leads = false;
        if (link !== undefined) link.lost = true;
        queue.interrupt();
      },
    });
    const isOver = () => stopping.signal.aborted || lock.lost || link?.lost === true;
    try {
      while (!isOver()) {
        if (await lock.tryTake()) {
          link = await connect();
          if (lock.lost) link.lost = true;
          return await lead(link, isOver);
        }
        await pause(Math.min(pollMs, LOCK_POLL_MS), stopping.signal);
      }
    } finally {
      leads = false;
      if (link !== undefined) await batches.finish(link).catch(() => undefined);
      await link?.client.end().catch(() => undefined);
      // Last: who leads next must not find what was published here.
      await lock.release().catch(() => undefined);
    }
  }

  async function lead(link: Link, isOver: () => boolean): Promise<void> {
    const { rows } = await link.client.query<{ name: string }>('select name from relay_channel');
    for (const { name } of rows) await link.client.query(`listen ${pg.escapeIdentifier(name)}`);
    logger.info('the relay leads');
    leads = !isOver();
    await queue.publishUntil(isOver, link);
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await serve();
      } catch (error) {
        warn({ err: error }, 'the relay failed and tries again');
      }
      await pause(RETRY_MS, stopping.signal);
    }
  }

  return {
    committed(events) {
      if (events.length === 0) queue.sweepSoon();
      else queue.add(events);
      if (!leads) notifyLeader.call();
    },
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      notifyLeader.stop();
      queue.interrupt();
      await running;
    },
    processAll: async () => processAll(await connect(), batches),
  };
}

/** Does it at once when it was not done lately, and else when its time comes: what is asked for meanwhile is one. */
function atMostEvery(intervalMs: number, work: () => void): { call(): void; stop(): void } {
  let timer: NodeJS.Timeout | undefined;
  let asked = false;
  function run(): void {
    asked = false;
    work();
    timer = setTimeout(() => {
      timer = undefined;
      if (asked) run();
    }, intervalMs);
  }
  return {
    call() {
      asked = true;
      if (timer === undefined) run();
    },
    stop: () => clearTimeout(timer),
  };
}

async function processAll(link: Link, batches: BatchPublisher): Promise<number> {
  try {
    for (let total = 0; ; ) {
      const { isFull, found, published } = await batches.sweep(link, () => false);
      await batches.finish(link);
      total += published;
      if (!isFull || published < found) return total;
    }
  } finally {
    await link.client.end();
  }
}
