/**
 * Reads a whole broadcast stream in every process: at start all that it keeps, then what is added, in order and each message once.
 *
 * No consumer is made at the server (durables.ts says why). The stream sends each message on once it is stored, with its sequence number;
 * where one is missing (at start, after a lost connection, when the process was too slow) the stream itself is read from there.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { type Clock, systemClock } from '#kit/clock.ts';
import { type BroadcastMetrics, createBroadcastMetrics } from '#kit/events/consumers/broadcast-metrics.ts';
import { type EventHandler, handlersBySubject } from '#kit/events/consumers/handlers.ts';
import { createStreamReader, type StreamMessage } from '#kit/events/consumers/stream-reader.ts';
import { readAttributes } from '#kit/events/envelope.ts';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import { broadcastSubject } from '#kit/events/jetstream/streams.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { messagingAttributes } from '#kit/observability/semantics.ts';
import { extractTrace, SpanKind, withRequestId, withSpan, withTraceContext } from '#kit/observability/trace.ts';

export interface BroadcastConsumer {
  /** Resolves when everything that was in the stream at this moment has been handled; waits for a server that is away. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when everything that is in the stream now has been handled. For tests. */
  processAll(): Promise<void>;
  /** For /readyz: rejects when it is longer ago than `MAX_SILENCE_MS` that all was known to be heard, whatever the reason. */
  checkCurrent(): Promise<void>;
}

export interface BroadcastConsumerOptions {
  nats: NatsBus;
  stream: string;
  /** Subjects without a handler are passed over. A handler that fails is logged and not called again: it should only touch memory. */
  handlers: readonly EventHandler[];
  logger: Logger;
  metrics: Metrics;
  /** Default: the system's. */
  clock?: Clock;
  /** Looks for missed messages this often, besides at each reconnect; default 5,000. */
  checkEveryMs?: number;
}

/** Messages that wait while others are handled. What does not fit is read from the stream later. */
const MAX_QUEUED = 10_000;
const RETRY_MS = 250;
/** Four looks that found nothing out. A token that was revoked meanwhile may still be believed here, until it ends after 15 minutes. */
const MAX_SILENCE_MS = 20_000;

/** A reader of a broadcast stream: every process hears every message, in order. Nothing is heard before `start`. */
export function createBroadcastConsumer(options: BroadcastConsumerOptions): BroadcastConsumer {
  const { nats, stream, logger, clock = systemClock, checkEveryMs = 5_000 } = options;
  const metrics = createBroadcastMetrics(options.metrics, stream);
  const handle = createHandler(stream, options.handlers, logger, metrics);
  const reader = createStreamReader({ nats, stream, logger, handle });
  const stopping = new AbortController();
  let subscription: Subscription | undefined;
  let timer: NodeJS.Timeout | undefined;
  let endWatch: (() => void) | undefined;
  /** Everything is done one after the other, so that messages stay in order. */
  let work: Promise<void> = Promise.resolve();
  let queued = 0;
  /** A catch-up that has not begun: whoever wants one meanwhile is served by it. */
  let waiting: Promise<void> | undefined;
  /** When all that the stream held was known to be heard. */
  let currentAtMs = 0;

  /** Catches up after what is in hand; tries until it succeeds or the consumer stops. */
  function catchUp(): Promise<void> {
    if (waiting !== undefined) return waiting;
    waiting = work.then(async () => {
      waiting = undefined;
      while (!stopping.signal.aborted) {
        try {
          const askedAtMs = clock.nowMs();
          await reader.catchUp(stopping.signal);
          currentAtMs = askedAtMs;
          metrics.current(askedAtMs);
          return;
        } catch (error) {
          logger.warn({ err: error, stream }, 'broadcast stream cannot be read; trying again');
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    });
    work = waiting;
    return waiting;
  }

  function receive(message: StreamMessage): void {
    if (queued === MAX_QUEUED) return;
    queued += 1;
    work = work.then(async () => {
      queued -= 1;
      if (stopping.signal.aborted || (await reader.accept(message))) return;
      void catchUp();
    });
  }

  return {
    async start() {
      subscription = nats.connection.subscribe(broadcastSubject(stream), {
        callback: (error, message) => {
          if (error === null) receive(toStreamMessage(message));
          else logger.error({ err: error, stream }, 'broadcast subscription ended');
        },
      });
      endWatch = nats.onConnectionChange((connected) => {
        if (connected) void catchUp();
      });
      timer = setInterval(() => {
        if (nats.isConnected()) void catchUp();
      }, checkEveryMs);
      await catchUp();
    },
    async stop() {
      stopping.abort();
      clearInterval(timer);
      endWatch?.();
      subscription?.unsubscribe();
      await work;
    },
    processAll: catchUp,
    async checkCurrent() {
      const silentMs = clock.nowMs() - currentAtMs;
      if (silentMs > MAX_SILENCE_MS)
        throw new Error(`${stream} could not be read for ${Math.round(silentMs / 1_000)} s`);
    },
  };
}

function toStreamMessage({ data, headers }: Msg): StreamMessage {
  if (headers === undefined) throw new Error('a broadcast message without headers');
  return { sequence: Number(headers.get('Nats-Sequence')), subject: headers.get('Nats-Subject'), data, headers };
}

function createHandler(stream: string, handlers: readonly EventHandler[], logger: Logger, metrics: BroadcastMetrics) {
  const bySubject = handlersBySubject(handlers);
  const context = { working: () => undefined, signal: new AbortController().signal };
  return async ({ sequence, subject, data, headers }: StreamMessage): Promise<void> => {
    const handler = bySubject.get(subject);
    if (handler === undefined) return;
    try {
      const metadata = readAttributes(subject, headers);
      const run = handler.prepare(data);
      const { id, traceparent, requestId } = metadata;
      await withTraceContext(withRequestId(extractTrace({ traceparent }), requestId), () =>
        withSpan(
          `handle ${subject}`,
          SpanKind.CONSUMER,
          () => messagingAttributes('process', subject, id),
          async () => run(metadata, context),
        ),
      );
      metrics.handled.inc();
    } catch (error) {
      metrics.failed.inc();
      logger.error({ err: error, stream, subject, streamSequence: sequence }, 'broadcast not handled');
    }
  };
}
