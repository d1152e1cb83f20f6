/**
 * A durable pull consumer, shared by the replicas of a service: each event is handled by one of them, and again until it succeeds.
 *
 * Handled: acknowledged. Failed: delivered again after a delay from the back-off table. Failed too often, undecodable, or PermanentError:
 * terminated with its reason, which makes a dead letter. A process that dies leaves its events to be delivered again after AckWait.
 */
import { setTimeout } from 'node:timers/promises';
import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { createAcknowledger } from '#kit/events/consumers/acknowledger.ts';
import { DEFAULT_BACKOFF_MS } from '#kit/events/consumers/backoff.ts';
import { createConsumerMetrics } from '#kit/events/consumers/consumer-metrics.ts';
import { createDelivery } from '#kit/events/consumers/delivery.ts';
import type { Durable } from '#kit/events/consumers/durables.ts';
import { type EventHandler, handlersBySubject } from '#kit/events/consumers/handlers.ts';
import { createSlots } from '#kit/events/consumers/slots.ts';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { collectReading } from '#kit/observability/readings.ts';
import { withTimeLimit } from '#kit/time-limit.ts';

export interface WorkConsumer {
  /** Begins to handle events, in the background. A consumer that is missing or a server that is away is waited for. */
  start(): void;
  /** Takes no more events, waits for the handlers in flight (at most `drainMs`), and sends what they acknowledged. */
  stop(): Promise<void>;
  /**
   * Handles what is there now and returns how many deliveries that were. An event that failed is waited for if it is due within a second.
   * For tests; the consumer must not be started.
   */
  processAll(): Promise<number>;
}

export interface WorkConsumerOptions {
  nats: NatsBus;
  durable: Durable;
  /** One for each subject of the durable. */
  handlers: readonly EventHandler[];
  /** Events handled at once in this process; default 16. Up to twice as many more are held ready. */
  concurrency?: number;
  /** Delays before the second, third, … try; the last entry repeats. */
  backoffMs?: readonly number[];
  /** Default 4,000. */
  drainMs?: number;
  logger: Logger;
  metrics: Metrics;
}

/** How long a pull waits at the server; half of it without a sign of life means that the consumer is gone. */
const PULL_EXPIRES_MS = 10_000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
const DRAIN_MS = 4_000;
const API_TIMEOUT_MS = 2_000;
const MAX_TEST_ROUNDS = 1_000;

/** @throws Error when the handlers are not exactly those for the durable's subjects. */
export function createWorkConsumer(options: WorkConsumerOptions): WorkConsumer {
  const { nats, durable, logger, concurrency = 16, drainMs = DRAIN_MS } = options;
  const handlers = handlersBySubject(options.handlers);
  requireSameSubjects(durable, handlers);
  const metrics = createConsumerMetrics(options.metrics, durable.name);
  const backoffMs = options.backoffMs ?? DEFAULT_BACKOFF_MS;
  const acknowledger = createAcknowledger((error) => {
    logger.warn({ err: error, consumer: durable.name }, 'events not acknowledged; they will be delivered again');
  });
  const deliver = createDelivery({ durable, handlers, backoffMs, acknowledger, logger, metrics });
  const slots = createSlots(concurrency);
  const stopping = new AbortController();
  let messages: ConsumerMessages | undefined;
  let running: Promise<void> | undefined;

  /** One life of the subscription: until it is stopped, or the connection or the consumer is lost. */
  async function consume(): Promise<void> {
    const consumer = await jetstream(nats.connection, { timeout: API_TIMEOUT_MS }).consumers.get(
      durable.stream,
      durable.name,
    );
    if (stopping.signal.aborted) return;
    messages = await consumer.consume({
      // Asks again when half has come: one request for as many events as are handled at once.
      max_messages: 2 * concurrency,
      threshold_messages: concurrency,
      expires: PULL_EXPIRES_MS,
      abort_on_missing_resource: true,
    });
    retryMs = FIRST_RETRY_MS;
    void noteFetches(messages);
    for await (const message of messages) {
      await slots.acquire();
      void deliverInSlot(message);
    }
  }

  /** The client asks at least each time that a pull expires, unless all that it holds ready waits for handlers. */
  async function noteFetches(messages: ConsumerMessages): Promise<void> {
    // The first time was before anybody could listen.
    metrics.fetched();
    for await (const { type } of messages.status()) if (type === 'next' && nats.isConnected()) metrics.fetched();
  }

  async function deliverInSlot(message: JsMsg): Promise<void> {
    try {
      // What was held ready when the process stops goes back at once, to another replica.
      if (stopping.signal.aborted) message.nak();
      else await deliver(message);
    } catch (error) {
      logger.warn({ err: error, consumer: durable.name }, 'event not settled; it will be delivered again');
    } finally {
      slots.release();
    }
  }

  let retryMs = FIRST_RETRY_MS;
  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await consume();
      } catch (error) {
        logger.warn({ err: error, consumer: durable.name, retryMs }, 'consumer lost; trying again');
      }
      await sleep(retryMs, stopping.signal);
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }

  // After a reconnect the old pull is void; a new life begins faster than the client finds out by itself.
  const endWatch = nats.onConnectionChange((connected) => {
    if (connected) void messages?.close();
  });
  const endSampling = collectReading(options.metrics, {
    read: async () => {
      if (!nats.isConnected()) throw new Error('not connected');
      return readInfo(nats, durable);
    },
    tell: ({ num_pending, num_ack_pending }) => metrics.setLag(num_pending, num_ack_pending),
    forget: metrics.forgetLag,
  });

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      endWatch();
      endSampling();
      void messages?.close();
      await withTimeLimit(Promise.all([running, slots.idle()]), drainMs, `handlers took longer than ${drainMs} ms`);
      acknowledger.flush();
      if (nats.isConnected()) await withTimeLimit(nats.connection.flush(), drainMs, 'flush');
    },
    processAll: () =>
      deliverAll(nats, durable, async (message) => {
        await deliver(message);
        acknowledger.flush();
      }),
  };
}

function requireSameSubjects(durable: Durable, handlers: ReadonlyMap<string, EventHandler>): void {
  const wanted = [...durable.subjects].sort().join(' ');
  const given = [...handlers.keys()].sort().join(' ');
  if (wanted !== given) throw new Error(`consumer ${durable.name} gets "${wanted}" but handles "${given}"`);
}

async function readInfo(nats: NatsBus, durable: Durable) {
  const manager = await jetstreamManager(nats.connection, { checkAPI: false });
  return manager.consumers.info(durable.stream, durable.name);
}

/** Delivers what is there now. @returns how many deliveries that were */
async function deliverAll(
  nats: NatsBus,
  durable: Durable,
  deliver: (message: JsMsg) => Promise<void>,
): Promise<number> {
  let deliveries = 0;
  for (let round = 0; round < MAX_TEST_ROUNDS; round++) {
    const { num_pending, num_ack_pending } = await readInfo(nats, durable);
    if (num_pending + num_ack_pending === 0) return deliveries;
    const handled = await fetchAndDeliver(nats, durable, num_pending || num_ack_pending, deliver);
    await nats.connection.flush();
    deliveries += handled;
    if (handled === 0) return deliveries;
  }
  throw new Error(`consumer ${durable.name} does not come to an end`);
}

const FETCH_LIMIT = 100;

async function fetchAndDeliver(
  nats: NatsBus,
  durable: Durable,
  count: number,
  deliver: (message: JsMsg) => Promise<void>,
): Promise<number> {
  const consumer = await jetstream(nats.connection, { timeout: API_TIMEOUT_MS }).consumers.get(
    durable.stream,
    durable.name,
  );
  const messages = await consumer.fetch({ max_messages: Math.min(count, FETCH_LIMIT), expires: 1_000 });
  let handled = 0;
  for await (const message of messages) {
    handled += 1;
    await deliver(message);
  }
  return handled;
}

/** Resolves after the time, or at once when the signal aborts. */
async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
