import { type ConsumerInfo, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';
import { connectOnce } from '../servers/nats.ts';
import { withClient } from '../servers/postgres-client.ts';
import type { ServiceDefinition } from '../services.ts';
import type { StackUrls } from './plan.ts';

const timeoutMs = 1_500;

export type OutboxHealth = {
  readonly schema: string;
  readonly waiting: number;
  /** Age of the oldest event that is not published yet, 0 when none waits. */
  readonly oldestSeconds: number;
};

export type ConsumerHealth = {
  readonly name: string;
  /** Events that were not delivered yet. */
  readonly pending: number;
  /** Events delivered and not acknowledged yet. */
  readonly inFlight: number;
  readonly redelivered: number;
  /** Requests for more events that wait at the server: none means that nobody asks. */
  readonly pulls: number;
  /** When an event was delivered last, ISO 8601; undefined when none ever was since the server started. */
  readonly lastDeliveredAt: string | undefined;
  /** NATS hands out none of its events until then, ISO 8601; undefined when it is not paused. */
  readonly pausedUntil: string | undefined;
  /** When the oldest event was published that waits while none is in hand, ISO 8601; undefined when none does, or that can't be told. */
  readonly oldestWaitingAt: string | undefined;
};

export type EventsHealth = {
  readonly consumers: readonly ConsumerHealth[];
  readonly deadLetters: number;
  /** When the oldest of them was given up, ISO 8601; undefined when there is none. */
  readonly deadSince: string | undefined;
};

/**
 * How long events wait in each schema that has an outbox already. Rejects when Postgres is away.
 * @param urls by service, as its own user: an administrator would lend his rights to whatever a service made of its table
 */
export async function readOutboxes(
  urls: StackUrls['databases'],
  services: readonly ServiceDefinition[],
): Promise<OutboxHealth[]> {
  const found = await Promise.all(services.map((service) => readOutbox(urls[service.name] ?? '', service)));
  return found.filter((outbox) => outbox !== undefined);
}

async function readOutbox(url: string, { schema }: ServiceDefinition): Promise<OutboxHealth | undefined> {
  const options = { connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs, application_name: 'oxo-status' };
  return withClient(url, options, async (client) => {
    const exists = await client.query('SELECT to_regclass($1) AS table', [`${schema}.outbox`]);
    if (exists.rows[0]?.table === null) return undefined;
    const { rows } = await client.query<{ waiting: number; oldest: number }>(
      `SELECT count(*)::int AS waiting,
              coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest
         FROM (SELECT created_at FROM ${schema}.outbox ORDER BY id LIMIT 100000) AS oldest_first`,
    );
    return { schema, waiting: rows[0]?.waiting ?? 0, oldestSeconds: rows[0]?.oldest ?? 0 };
  });
}

/** How far behind the consumers are, and how much was given up. Rejects when NATS is away or has no streams yet. */
export async function readEvents(url: string): Promise<EventsHealth> {
  const connection = await connectOnce(url, timeoutMs);
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMs });
    const infos: ConsumerInfo[] = [];
    for await (const info of manager.consumers.list(EVENTS_STREAM)) infos.push(info);
    const consumers = await Promise.all(infos.map((info) => consumerHealth(manager, info)));
    const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
    return {
      consumers,
      deadLetters: state.messages,
      deadSince: state.messages > 0 ? timeOf(state.first_ts) : undefined,
    };
  } finally {
    await connection.close();
  }
}

async function consumerHealth(manager: JetStreamManager, info: ConsumerInfo): Promise<ConsumerHealth> {
  return {
    name: info.name,
    pending: info.num_pending,
    inFlight: info.num_ack_pending,
    redelivered: info.num_redelivered,
    pulls: info.num_waiting,
    lastDeliveredAt: timeOf(info.delivered.last_active),
    pausedUntil: info.paused === true ? timeOf(info.config.pause_until) : undefined,
    oldestWaitingAt: await oldestWaiting(manager, info),
  };
}

async function oldestWaiting(manager: JetStreamManager, info: ConsumerInfo): Promise<string | undefined> {
  if (info.num_pending === 0 || info.num_ack_pending > 0) return undefined;
  const { filter_subject, filter_subjects = [] } = info.config;
  const seq = info.delivered.stream_seq + 1;
  const subjects = filter_subject === undefined ? filter_subjects : [filter_subject];
  const found = subjects.map(async (subject) => {
    // Of one subject none may wait.
    const query = { seq, next_by_subj: subject };
    return (await manager.streams.getMessage(EVENTS_STREAM, query).catch(() => null))?.time.toISOString();
  });
  return (await Promise.all(found)).filter((time) => time !== undefined).toSorted()[0];
}

/** The server writes times as text, whatever their types say; 0001-01-01 is none. */
function timeOf(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return ms > 0 ? new Date(ms).toISOString() : undefined;
}
