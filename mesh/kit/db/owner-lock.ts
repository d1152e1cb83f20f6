import pg from 'pg';

/**
 * For a migration: a lock that only the owner of the schema can take. Advisory locks are numbers that all roles of a database share, so
 * one service could hold what another waits for. A view has no rows and no storage, so autovacuum never waits for whoever holds it for
 * days, as it would with a table. It never changes; see `outboxTableV1`.
 */
export const lockViewV1 = (name: string): string => `create view ${name} as select true as held;`;

const CONNECTION_TIMEOUT_MS = 3_000;
/** A connection that gives no answer in this time is given up, and with it the lock. */
const QUERY_TIMEOUT_MS = 10_000;
/**
 * Its transaction stays open for as long as the lock is held. It has read committed, no snapshot between statements and no id, so it
 * holds back no vacuum and no index. When its machine is gone the server notices within twenty seconds.
 */
const SESSION_SETTINGS = `select set_config(wanted.name, wanted.value, false) from (values
    ('idle_in_transaction_session_timeout', '0'), ('idle_session_timeout', '0'), ('transaction_timeout', '0'),
    ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '3'), ('tcp_keepalives_count', '3')) as wanted (name, value)
  where exists (select from pg_settings where pg_settings.name = wanted.name)`;

/** A connection of its own that holds one lock, or waits for it. */
export interface OwnerLock {
  /** Takes the lock if nobody has it. @returns whether this connection has it now @throws when there is no such lock */
  tryTake(): Promise<boolean>;
  /** Once the connection is gone, and the lock with it. */
  readonly lost: boolean;
  /** Ends the connection, and with it the lock. */
  release(): Promise<void>;
}

export interface OwnerLockOptions {
  /** A direct connection: the lock belongs to it, so a pooler between would give it away. */
  databaseUrl: string;
  /** A view by `lockViewV1`. */
  name: string;
  applicationName: string;
  /** Is told once or more when the connection is gone. */
  onLost?: () => void;
}

/** @throws when the database is away */
export async function openOwnerLock(options: OwnerLockOptions): Promise<OwnerLock> {
  const { databaseUrl, name, applicationName, onLost } = options;
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    application_name: applicationName,
  });
  let lost = false;
  let taken = false;
  const lose = () => {
    lost = true;
    onLost?.();
  };
  client.on('error', lose);
  client.on('end', lose);
  await client.connect();

  /** Whoever waits asks again and again. What fails inside the block is no error of the server's log, as it would be outside. */
  const attempt = `begin isolation level read committed;
    do $try$ begin
      lock table ${pg.escapeIdentifier(name)} in exclusive mode nowait;
      perform set_config('oxo.locked', 'yes', true);
    exception when lock_not_available then null;
    end $try$;
    select current_setting('oxo.locked', true) as locked`;

  async function tryTake(): Promise<boolean> {
    if (taken) return !lost;
    try {
      const results = (await client.query(attempt)) as unknown as pg.QueryResult<{ locked: string | null }>[];
      taken = results.at(-1)?.rows[0]?.locked === 'yes';
    } finally {
      if (!taken && !lost) await client.query('rollback');
    }
    return taken;
  }

  const release = () => client.end();
  try {
    await client.query(SESSION_SETTINGS);
  } catch (error) {
    await release().catch(() => undefined);
    throw error;
  }
  return {
    tryTake,
    release,
    get lost() {
      return lost;
    },
  };
}
