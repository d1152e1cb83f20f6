/**
 * Publishes batches of events: all of a batch are in flight at once on one connection, in order, and every acknowledgement is waited for.
 */
import { headers as createHeaders, createInbox, type Msg, PermissionViolationError } from '@nats-io/transport-node';
import { toHeaders } from '#kit/events/envelope.ts';
import type { NatsBus } from '#kit/events/jetstream/nats.ts';
import { timeOfId } from '#kit/ids.ts';
import type { Logger } from '#kit/observability/logger.ts';
import { messagingAttributes } from '#kit/observability/semantics.ts';
import { extractTrace, injectTrace, SpanKind, withSpan, withTraceContext } from '#kit/observability/trace.ts';

/** An event as it stands in an outbox, encoded already. */
export interface OutgoingEvent {
  eventId: string;
  version: number;
  subject: string;
  payload: Uint8Array;
  /** traceparent and x-request-id. */
  headers: Readonly<Record<string, string>>;
}

export interface Publisher {
  /**
   * Publishes in the order given. Never rejects: an event that is not acknowledged, because NATS is away or refuses it, is logged and
   * missing in the result. It may have been stored nevertheless, so publish it again.
   * @returns the ids of the events that JetStream has stored
   */
  publish(events: readonly OutgoingEvent[]): Promise<string[]>;
  close(): void;
}

export interface PublisherOptions {
  nats: NatsBus;
  /** Name of the service that the events come from. */
  source: string;
  logger: Logger;
  /** For the acknowledgements of one batch; default 5,000. */
  timeoutMs?: number;
}

type Outcome = 'acknowledged' | { reason: string };

interface Pending {
  subject: string;
  settle: (outcome: Outcome) => void;
}

const AWAY: Outcome = { reason: 'NATS is away' };

/** Publishes to JetStream over a connection that others may use too; `close` it before the connection. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { nats, source, logger, timeoutMs = 5_000 } = options;
  const { connection } = nats;
  const inbox = createInbox(nats.inboxPrefix);
  const pending = new Map<number, Pending>();
  let nextToken = 0;

  function settle(token: number, outcome: Outcome): void {
    const entry = pending.get(token);
    pending.delete(token);
    entry?.settle(outcome);
  }

  function settleWhere(matches: (entry: Pending) => boolean, outcome: Outcome): void {
    for (const [token, entry] of pending) if (matches(entry)) settle(token, outcome);
  }

  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error === null) settle(Number(message.subject.slice(inbox.length + 1)), readAcknowledgement(message));
    },
  });
  // Acknowledgements that were on their way when the connection broke will not come.
  const endWatch = nats.onConnectionChange((connected) => {
    if (!connected) settleWhere(() => true, AWAY);
  });
  const endErrors = nats.onError((error) => {
    if (!(error instanceof PermissionViolationError) || error.operation !== 'publish') return;
    settleWhere(({ subject }) => subject === error.subject, { reason: error.message });
  });

  function send(event: OutgoingEvent): Promise<Outcome> {
    return new Promise((resolve) => {
      const token = nextToken++;
      pending.set(token, { subject: event.subject, settle: resolve });
      try {
        const headers = { ...event.headers, ...toHeaders(toMetadata(event, source)) };
        inProducerSpan(event, headers, () =>
          connection.publish(event.subject, event.payload, {
            headers: toNatsHeaders(headers),
            reply: `${inbox}.${token}`,
          }),
        );
      } catch (error) {
        settle(token, { reason: error instanceof Error ? error.message : String(error) });
      }
    });
  }

  async function sendAll(events: readonly OutgoingEvent[]): Promise<Outcome[]> {
    // While it is away the client would keep what is sent and deliver it after the relay has tried again.
    if (!nats.isConnected()) return events.map(() => AWAY);
    const firstToken = nextToken;
    const outcomes = events.map(send);
    const lastToken = nextToken;
    const timer = setTimeout(() => {
      for (let token = firstToken; token < lastToken; token++) settle(token, { reason: 'no acknowledgement in time' });
    }, timeoutMs);
    try {
      return await Promise.all(outcomes);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async publish(events) {
      const outcomes = await sendAll(events);
      const failed = outcomes.findIndex((outcome) => outcome !== 'acknowledged');
      if (failed < 0) return events.map(({ eventId }) => eventId);
      const acknowledged = events
        .filter((_, index) => outcomes[index] === 'acknowledged')
        .map(({ eventId }) => eventId);
      const { eventId, subject } = events[failed] as OutgoingEvent;
      const missing = events.length - acknowledged.length;
      logger.warn({ missing, outcome: outcomes[failed], eventId, subject }, 'events were not acknowledged');
      return acknowledged;
    },
    close() {
      endWatch();
      endErrors();
      settleWhere(() => true, AWAY);
      subscription.unsubscribe();
    },
  };
}

function toMetadata(event: OutgoingEvent, source: string) {
  return {
    id: event.eventId,
    subject: event.subject,
    source,
    time: new Date(timeOfId(event.eventId)),
    version: event.version,
  };
}

/** A span of the trace that the event belongs to, when that is recorded; `headers` then carry it on. */
function inProducerSpan(event: OutgoingEvent, headers: Record<string, string>, publish: () => void): void {
  if (!event.headers.traceparent?.endsWith('-01')) {
    publish();
    return;
  }
  const attributes = messagingAttributes('send', event.subject, event.eventId);
  withTraceContext(extractTrace(event.headers), () =>
    withSpan(`publish ${event.subject}`, SpanKind.PRODUCER, attributes, () => {
      injectTrace(headers);
      publish();
    }),
  );
}

function toNatsHeaders(headers: Readonly<Record<string, string>>): ReturnType<typeof createHeaders> {
  const natsHeaders = createHeaders();
  for (const [name, value] of Object.entries(headers)) natsHeaders.append(name, value);
  return natsHeaders;
}

const NO_RESPONDERS = 503;

function readAcknowledgement(message: Msg): Outcome {
  if (message.headers?.code === NO_RESPONDERS) return { reason: 'no stream takes the subject' };
  try {
    const answer = message.json<{ seq?: number; error?: { description: string } }>();
    if (answer.error !== undefined) return { reason: answer.error.description };
    return answer.seq === undefined ? { reason: 'the answer is not an acknowledgement' } : 'acknowledged';
  } catch {
    return { reason: 'the answer is not an acknowledgement' };
  }
}
