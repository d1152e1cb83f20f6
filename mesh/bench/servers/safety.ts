import { jetstreamManager } from '@nats-io/jetstream';
import { EVENTS_STREAM } from '#kit/events/jetstream/streams.ts';
import { messageOf } from '../../local/cli/cli-error.ts';
import { connectOnce } from '../../local/servers/nats.ts';
import { withClient } from '../../local/servers/postgres-client.ts';
import type { StackUrls } from '../../local/stack/plan.ts';

/** The settings on which figures depend, as the servers themselves tell them. */
export type SafetySettings = {
  readonly postgres: Readonly<Record<string, string>>;
  readonly jetstream: Readonly<Record<string, string>>;
};

const postgresNames = ['fsync', 'synchronous_commit', 'full_page_writes', 'wal_sync_method'];
const timeoutMs = 3_000;

/** Asks Postgres and NATS. What can't be asked says why. */
export async function readSafety(urls: StackUrls): Promise<SafetySettings> {
  const explain = (error: unknown): Record<string, string> => ({ unknown: messageOf(error) });
  const [postgres, jetstream] = await Promise.all([
    readPostgres(urls.database).catch(explain),
    readJetstream(urls).catch(explain),
  ]);
  return { postgres, jetstream };
}

async function readPostgres(url: string): Promise<Record<string, string>> {
  const options = { connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs, application_name: 'oxo-bench' };
  return withClient(url, options, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      'select name, setting from pg_settings where name = any($1) order by array_position($1, name)',
      [postgresNames],
    );
    return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  });
}

async function readJetstream(urls: StackUrls): Promise<Record<string, string>> {
  const connection = await connectOnce(urls.nats, timeoutMs);
  try {
    const manager = await jetstreamManager(connection, { timeout: timeoutMs });
    const { config } = await manager.streams.info(EVENTS_STREAM);
    const acknowledgements = new Set<string>();
    for await (const { config } of manager.consumers.list(EVENTS_STREAM)) {
      acknowledgements.add(String(config.ack_policy));
    }
    return {
      storage: `${config.storage}`,
      replicas: String(config.num_replicas),
      sync: await readSync(urls.natsMonitor),
      // The relay publishes with JetStream's acknowledgement unless the stream gives none.
      'publisher acknowledgements': config.no_ack === true ? 'none' : 'each message',
      'consumer acknowledgements': [...acknowledgements].join(', ') || 'no consumers',
    };
  } finally {
    await connection.close();
  }
}

/** When what was acknowledged is on the disk. */
async function readSync(monitor: string | undefined): Promise<string> {
  if (monitor === undefined) return 'not known: NATS is not ours';
  const response = await fetch(`${monitor}/jsz?config=true`, { signal: AbortSignal.timeout(timeoutMs) });
  const { config } = (await response.json()) as { config?: { sync_always?: boolean; sync_interval?: number } };
  if (config?.sync_always === true) return 'always (before the acknowledgement)';
  return config?.sync_interval === undefined ? 'not known' : `every ${config.sync_interval / 1e9} s`;
}
