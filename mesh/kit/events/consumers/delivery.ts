/**
 * One delivery of one event: decode, handle within a time limit, and tell the server what became of it.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { Acknowledger } from '#kit/events/consumers/acknowledger.ts';
import { retryDelayMs } from '#kit/events/consumers/backoff.ts';
import type { ConsumerMetrics } from '#kit/events/consumers/consumer-metrics.ts';
import type { Durable } from '#kit/events/consumers/durables.ts';
import { type EventHandler, type HandlerContext, NotYet, PermanentError } from '#kit/events/consumers/handlers.ts';
import { type EventMetadata, readMetadata } from '#kit/events/envelope.ts';
import { originalSubject } from '#kit/events/jetstream/replay.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { safeMessage } from '#kit/observability/redact.ts';
import { messagingAttributes } from '#kit/observability/semantics.ts';
import {
  type Attributes,
  extractTrace,
  SpanKind,
  withRequestId,
  withSpan,
  withTraceContext,
} from '#kit/observability/trace.ts';
import { TimeLimitError } from '#kit/time-limit.ts';

export interface DeliveryOptions {
  durable: Durable;
  handlers: ReadonlyMap<string, EventHandler>;
  backoffMs: readonly number[];
  acknowledger: Acknowledger;
  logger: Logger;
  metrics: ConsumerMetrics;
}

/** Share of the server's AckWait after which a handler is given up, so that it is over before the event is delivered again. */
const HANDLER_SHARE_OF_ACK_WAIT = 0.8;
const MAX_REASON_LENGTH = 300;

/** Handles the message and settles it. Rejects only when the connection is closed. */
export type Deliver = (message: JsMsg) => Promise<void>;

/** What becomes of each delivered event: handled, tried again later, or given up as a dead letter. */
export function createDelivery(options: DeliveryOptions): Deliver {
  const { durable, handlers, backoffMs, acknowledger, logger, metrics } = options;
  const limitMs = durable.ackWaitMs * HANDLER_SHARE_OF_ACK_WAIT;

  function bury(message: JsMsg, error: unknown, metadata?: EventMetadata): void {
    const name = error instanceof Error ? error.name : 'Error';
    message.term(`${name}: ${safeMessage(error)}`.replace(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH));
    metrics.dead.inc();
    logger.error({ ...describe(message, metadata), err: error }, 'event given up');
  }

  function retryOrBury(message: JsMsg, error: unknown, metadata: EventMetadata): void {
    const attempt = message.info.deliveryCount;
    metrics.failed.inc();
    if (error instanceof PermanentError || attempt >= durable.maxDeliver) {
      bury(message, error, metadata);
      return;
    }
    const delayMs = retryDelayMs(backoffMs, attempt);
    message.nak(delayMs);
    logger.warn({ ...describe(message, metadata), err: error, delayMs }, 'event failed and is tried again');
  }

  /** Waits at the server, so that a restart does not make it wait anew. */
  function postpone(message: JsMsg, { delayMs }: NotYet, metadata: EventMetadata): void {
    message.nak(delayMs);
    logger.debug({ ...describe(message, metadata), delayMs }, 'event is not due yet');
  }

  function describe(message: JsMsg, metadata?: EventMetadata): object {
    const { deliveryCount, streamSequence } = message.info;
    return {
      consumer: durable.name,
      subject: message.subject,
      eventId: metadata?.id,
      requestId: metadata?.requestId,
      streamSequence,
      attempt: deliveryCount,
    };
  }

  async function handle(message: JsMsg, metadata: EventMetadata): Promise<void> {
    const handler = handlers.get(originalSubject(message.subject));
    // A newer replica may have asked for subjects that this one does not know yet: leave the event to it.
    if (handler === undefined) return retryOrBury(message, new Error('no handler for the subject'), metadata);
    let run: ReturnType<EventHandler['prepare']>;
    try {
      run = handler.prepare(message.data);
    } catch (error) {
      return bury(message, error, metadata);
    }
    const startedMs = performance.now();
    try {
      await withSpan(
        `handle ${message.subject}`,
        SpanKind.CONSUMER,
        () => spanAttributes(message, metadata),
        async () => {
          await runWithin(
            limitMs,
            () => message.working(),
            (context) => run(metadata, context),
          );
        },
      );
    } catch (error) {
      if (error instanceof NotYet) return postpone(message, error, metadata);
      return retryOrBury(message, error, metadata);
    } finally {
      metrics.duration.observe((performance.now() - startedMs) / 1_000);
    }
    acknowledger.acknowledge(message);
    metrics.handled.inc();
    if (logger.isLevelEnabled('debug')) logger.debug(describe(message, metadata), 'event handled');
  }

  return async (message) => {
    if (message.redelivered) metrics.redelivered.inc();
    let metadata: EventMetadata;
    try {
      const subject = originalSubject(message.subject);
      metadata = readMetadata(subject, message.headers);
      metadata.isReplayed = subject !== message.subject;
    } catch (error) {
      return bury(message, error);
    }
    const { traceparent, requestId } = metadata;
    const above = withRequestId(extractTrace({ traceparent }), requestId);
    return withTraceContext(above, () => handle(message, metadata));
  };
}

function spanAttributes(message: JsMsg, metadata: EventMetadata): Attributes {
  return {
    ...messagingAttributes('process', message.subject, metadata.id),
    'messaging.consumer.group.name': message.info.consumer,
    'oxo.delivery': message.info.deliveryCount,
  };
}

/** Runs the handler; rejects when it takes longer than `limitMs` since it began or since it last said that it works. */
async function runWithin(
  limitMs: number,
  sayWorking: () => void,
  run: (context: HandlerContext) => Promise<void> | void,
): Promise<void> {
  let abort: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new TimeLimitError(`the handler took longer than ${limitMs} ms`);
      abort?.abort(error);
      reject(error);
    }, limitMs);
  });
  const context: HandlerContext = {
    working: () => {
      sayWorking();
      timer?.refresh();
    },
    // Few handlers ask for it, so it is made when they do.
    get signal() {
      abort ??= new AbortController();
      return abort.signal;
    },
  };
  try {
    await Promise.race([run(context), expired]);
  } finally {
    clearTimeout(timer);
  }
}
