import { jetstreamManager } from '@nats-io/jetstream';
import pg from 'pg';
import { DEAD_LETTERS_STREAM, EVENTS_STREAM } from '#kit/events/streams.ts';
import { connectOnce } from '../servers/nats.ts';
import type { ServiceDefinition } from '../services.ts';

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
};

export type EventsHealth = { readonly consumers: readonly ConsumerHealth[]; readonly deadLetters: number };

/** How long events wait in each schema that has an outbox already. Rejects when Postgres is away. */
export async function readOutboxes(url: string, services: readonly ServiceDefinition[]): Promise<OutboxHealth[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    application_name: 'oxo-status',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const found: OutboxHealth[] = [];
    for (const { schema } of services) {
      const exists = await client.query('SELECT to_regclass($1) AS table', [`${schema}.outbox`]);
      if (exists.rows[0]?.table === null) continue;
      const { rows } = await client.query<{ waiting: number; oldest: number }>(
        `SELECT count(*)::int AS waiting,
                coalesce(extract(epoch FROM now() - min(created_at)), 0)::float AS oldest
           FROM (SELECT created_at FROM ${schema}.outbox ORDER BY id LIMIT 100000) AS oldest_first`,
      );
      found.push({ schema, waiting: rows[0]?.waiting ?? 0, oldestSeconds: rows[0]?.oldest ?? 0 });
    }
    return found;
  } finally {
    await client.end().catch(() => {});
  }
}

/** How far behind the consumers are, and how much was given up. Rejects when NATS is away or has no streams yet. */
export async function readEvents(url: string): Promise<EventsHealth> {
  const connection = await connectOnce(url, timeoutMs);
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMs });
    const consumers: ConsumerHealth[] = [];
    for await (const info of manager.consumers.list(EVENTS_STREAM)) {
      consumers.push({
        name: info.name,
        pending: info.num_pending,
        inFlight: info.num_ack_pending,
        redelivered: info.num_redelivered,
      });
    }
    const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
    return { consumers, deadLetters: state.messages };
  } finally {
    await connection.close();
  }
}
