import { setTimeout as pause } from 'node:timers/promises';
import { type Migration, Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { type DatabaseOptions, ormOptions } from '#kit/db/database.ts';
import { lockViewV1, openOwnerLock } from '#kit/db/owner-lock.ts';
import { tlsOf } from '#kit/db/tls.ts';
import { createLogger } from '#kit/observability/logger.ts';

/** Named like the table in which migrations are remembered, since it is no migration's either. */
const LOCK = 'migrations_lock';
const CONNECT_TIMEOUT_MS = 5_000;
const LOCK_PAUSE_MS = 100;
/** Another process's migrations are waited for so long. */
const LOCK_WAIT_MS = 600_000;
/** Requests wait behind a migration that waits for a lock on their table; it is better that it fails and is run again. */
const TABLE_LOCK_TIMEOUT_MS = 5_000;
/** To fill a column or to make an index takes as long as it takes, whatever the limits of requests are. */
const SESSION_SETTINGS = `-c statement_timeout=0 -c lock_timeout=${TABLE_LOCK_TIMEOUT_MS}`;

/** A migration and the name under which the `migrations` table remembers it. */
export interface NamedMigration {
  name: string;
  class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
}

/**
 * Brings the service's schema to its newest state (`up`), or takes the last migration back (`down`). Idempotent; safe when
 * two processes run it at once: the second waits for the first.
 * @returns the names of the migrations that were run
 */
export async function runMigrations(
  options: Pick<DatabaseOptions, 'url' | 'entities'> & { migrations: NamedMigration[] },
  direction: 'up' | 'down',
): Promise<string[]> {
  return withMigrationLock(options.url, async (schema) => {
    const orm = await MikroORM.init({
      ...ormOptions({ ...options, poolSize: 2 }),
      driverOptions: { ...tlsOf(options.url), options: SESSION_SETTINGS },
      // MikroORM takes "public" otherwise, where a service's role may not go.
      schema,
      extensions: [Migrator],
      migrations: { tableName: 'migrations', migrationsList: options.migrations, allOrNothing: true, snapshot: false },
    });
    try {
      const done = direction === 'up' ? await orm.migrator.up() : await orm.migrator.down();
      return done.map((migration) => migration.name);
    } finally {
      await orm.close(true);
    }
  });
}

/** Runs the work while no other process migrates the same schema. @param work gets the name of the role's own schema */
async function withMigrationLock<Result>(url: string, work: (schema: string) => Promise<Result>): Promise<Result> {
  const schema = await makeLock(url);
  const lock = await openOwnerLock({ databaseUrl: url, name: LOCK, applicationName: 'oxo-migrate' });
  try {
    // As long as another process migrates; when that one dies, its lock goes with its connection.
    const startedMs = performance.now();
    while (!(await lock.tryTake())) {
      if (performance.now() - startedMs > LOCK_WAIT_MS)
        throw new Error(`another session migrates for ${LOCK_WAIT_MS / 60_000} minutes`);
      await pause(LOCK_PAUSE_MS);
    }
    return await work(schema);
  } finally {
    await lock.release();
  }
}

/** There is no table before the first migration, so the lock makes itself. @returns the name of the role's own schema */
async function makeLock(url: string): Promise<string> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: SESSION_SETTINGS,
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ schema: string | null; found: string | null }>(
      'select current_schema() as schema, to_regclass($1) as found',
      [LOCK],
    );
    if (rows[0]?.found === null) await client.query(lockViewV1(LOCK)).catch(unlessMadeMeanwhile);
    return rows[0]?.schema ?? 'public';
  } finally {
    await client.end();
  }
}

function unlessMadeMeanwhile(error: unknown): void {
  const { code = '' } = error as { code?: string };
  // duplicate_table; or unique_violation, in the catalogue, when two make it at the same moment.
  if (code !== '42P07' && code !== '23505') throw error;
}

/** Sessions of the same role, or of the one that it acts as, that may hold what a migration waits for, in words. */
async function openTransactions(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  await client.connect();
  try {
    // Who acts as another role sees only that one's sessions.
    await client.query('set role none');
    const { rows } = await client.query<{ text: string }>(
      `select format('in a transaction since %s s: pid %s (%s, %s); select pg_terminate_backend(%s) ends it',
          round(extract(epoch from now() - xact_start)), pid, application_name, state, pid) as text
        from pg_stat_activity where pg_has_role(session_user, usesysid, 'usage') and pid <> pg_backend_pid()
          and xact_start < now() - interval '${TABLE_LOCK_TIMEOUT_MS} ms' and application_name <> 'oxo-relay'
        order by xact_start limit 10`,
    );
    return rows.map(({ text }) => text);
  } finally {
    await client.end();
  }
}

/**
 * The whole of a service's `migrate.ts`: `node services/<name>/migrate.ts up|down`.
 * Logs what was done; ends with exit code 1 and the reason when it failed.
 */
export async function migrateCommand({
  service,
  ...options
}: Omit<Parameters<typeof runMigrations>[0], 'url'> & { service: string }): Promise<void> {
  const logger = createLogger({ service });
  const direction = process.argv[2];
  const url = process.env.DATABASE_URL;
  if ((direction !== 'up' && direction !== 'down') || url === undefined) {
    logger.fatal('usage: DATABASE_URL=postgres://… node migrate.ts up|down');
    process.exitCode = 2;
    return;
  }
  try {
    const names = await runMigrations({ ...options, url }, direction);
    if (names.length === 0) logger.info('nothing to migrate');
    for (const name of names) logger.info(`${direction} ${name}`);
  } catch (error) {
    logger.error({ err: error }, 'migration failed');
    for (const session of await openTransactions(url).catch(() => [])) logger.error(session);
    process.exitCode = 1;
  }
}
