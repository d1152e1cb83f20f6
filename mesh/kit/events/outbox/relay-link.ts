import pg from 'pg';

const CONNECTION_TIMEOUT_MS = 3_000;
/** A connection that gives no answer in this time is given up. */
const QUERY_TIMEOUT_MS = 10_000;

/** The name of the relays' connections at the server. */
export const RELAY_NAME = 'oxo-relay';
/** For a migration, `lockViewV1(RELAY_LOCK)`: whoever holds it publishes the outbox of its schema. */
export const RELAY_LOCK = 'relay_lock';

/**
 * For a migration, beside the lock: the channel on which replicas tell the leading relay of commits. Whoever may connect to a database may
 * notify any channel by its name, so the name is random and stands in a table that nobody but the schema's owner reads; a view or a default would show
 * it in the catalogue. It never changes; see `outboxTableV1`.
 */
export const relayChannelV1 = `
  create table relay_channel (name text not null);
  insert into relay_channel select 'outbox_' || gen_random_uuid();`;

/** A direct connection to the database; `lost` once it is gone, or the relay's lock. */
export interface Link {
  client: pg.Client;
  lost: boolean;
}

/**
 * Its commits do not wait for the disk, nor do requests wait behind them: it only deletes and postpones what was published or is to be, and what of that a
 * crash of the server takes back is published again under the same id.
 * @param onLost is told once or more when the connection is gone.
 * @throws when the database is away
 */
export async function openLink(databaseUrl: string, onLost: (link: Link) => void): Promise<Link> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    application_name: RELAY_NAME,
    options: '-c synchronous_commit=off',
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
