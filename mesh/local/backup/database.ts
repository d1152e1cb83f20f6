import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { ensureParts } from '../parts/fetch.ts';
import { type Blocking, watchBlockers, withoutBlockers } from '../servers/blockers.ts';
import { auditOwnerUrl } from '../servers/database.ts';
import { serverEnvironment } from '../servers/environment.ts';
import { type ClientOptions, withClient } from '../servers/postgres-client.ts';
import { auditOwner, loginRolesOf, roleOf, type SchemaOwner, type ServiceDefinition } from '../services.ts';
import type { StackPlan } from '../stack/plan.ts';
import { type Manifest, schemaFile } from './manifest.ts';

const run = promisify(execFile);
/** For a table that somebody has locked. */
const dumpLockTimeoutMs = 10_000;
/** Of what the programs print, which is errors. */
const maxOutputBytes = 4 * 1024 * 1024;
const clientOptions: ClientOptions = {
  connectionTimeoutMillis: 5_000,
  application_name: 'oxo-backup',
  // A transaction may wait for as long as a dump takes.
  options: '-c idle_in_transaction_session_timeout=0 -c statement_timeout=0',
};

export type SchemaContents = Manifest['schemas'];

/** Dumps each service's schema, and the audit log's, into a file as its own role, all of one moment, and tells what was in them then. */
export async function dumpDatabase(
  plan: StackPlan,
  folder: string,
  signal: AbortSignal,
): Promise<{ schemas: SchemaContents; version: string }> {
  return withClient(plan.urls.database, clientOptions, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const snapshot = await client.query<{ id: string; version: string }>(
      `SELECT pg_export_snapshot() AS id, current_setting('server_version') AS version`,
    );
    const { id = '', version = '' } = snapshot.rows[0] ?? {};
    const schemas: SchemaContents = {};
    for (const service of ownersOf(plan)) {
      const { schema } = service;
      const url = urlOfRole(plan, service);
      const file = schemaFile(schema);
      const contents = await withoutBlockers(url, clientOptions, named(plan), async (own) => {
        await own.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
        await own.query(`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(id)}`);
        return readContents(own, schema);
      });
      if (contents === undefined) continue;
      const options = [
        '--format=custom',
        `--lock-wait-timeout=${dumpLockTimeoutMs}`,
        `--snapshot=${id}`,
        '--schema',
        schema,
        `--file=${join(folder, file)}`,
      ];
      await runProgram(plan, 'pg_dump', url, options, signal);
      schemas[schema] = { file, ...contents };
    }
    await client.query('COMMIT');
    return { schemas, version };
  });
}

/** Whether there is a table of ours already. */
export async function hasTables(url: string, services: readonly ServiceDefinition[]): Promise<boolean> {
  const sql = `SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = ANY ($1) LIMIT 1`;
  const found = await withClient(url, clientOptions, (client) =>
    client.query(sql, [services.map(({ schema }) => schema)]),
  );
  return found.rows.length > 0;
}

/**
 * Puts the schemas of a backup in place of those that are there; roles and schemas must be set up.
 * Whatever a dump makes Postgres run, it runs as the service's own role, which may do nothing outside its schema.
 * @throws CliError when what is there afterwards is not what was dumped
 */
export async function restoreDatabase(
  plan: StackPlan,
  folder: string,
  expected: SchemaContents,
  signal: AbortSignal,
): Promise<void> {
  const wanted = ownersOf(plan).filter(({ schema }) => expected[schema] !== undefined);
  await withoutBlockers(plan.urls.database, clientOptions, ended(plan), async (client) => {
    await client.query('BEGIN');
    for (const service of wanted) {
      const schema = pg.escapeIdentifier(service.schema);
      await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await client.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${pg.escapeIdentifier(roleOf(service))}`);
    }
    await client.query('COMMIT');
  });
  const differences: string[] = [];
  for (const service of wanted) {
    const { schema } = service;
    const { file = '', rows = {} } = expected[schema] ?? {};
    const url = urlOfRole(plan, service);
    const options = ['--exit-on-error', '--single-transaction', '--no-owner', '--schema', schema];
    await runProgram(plan, 'pg_restore', url, [...options, '--dbname', databaseOf(url), join(folder, file)], signal);
    const actual = await withoutBlockers(url, clientOptions, ended(plan), (client) => readContents(client, schema));
    for (const [table, count] of Object.entries(rows)) {
      const found = actual?.rows[table];
      if (found !== count) differences.push(`${schema}.${table} has ${found ?? 'no'} rows, ${count} were saved`);
    }
  }
  if (differences.length > 0) throw new CliError('what was restored is not what was saved', { advice: differences });
}

/** How many there were. */
export type EndedSessions = { readonly sessions: number; readonly grants: number; readonly keys: number };

/**
 * Ends every session, those of clients too, and every API key: nobody's credential but the password is worth anything. Consents go as well: one that
 * was taken back after the backup would give its app another grant.
 */
export async function endSessions(plan: StackPlan): Promise<EndedSessions> {
  const auth = plan.services.find(({ name }) => name === 'auth');
  if (auth === undefined) return { sessions: 0, grants: 0, keys: 0 };
  const schema = pg.escapeIdentifier(auth.schema);
  return await withoutBlockers(urlOfRole(plan, auth), clientOptions, ended(plan), async (client) => {
    const sessions = await client.query(`DELETE FROM ${schema}.sessions WHERE revoked_at_ms IS NULL`);
    const grants = await deleteAll(client, `${schema}.oauth_grants`);
    // Those under a grant have gone with it; codes, browsers and what clients have for themselves are under none.
    await deleteAll(client, `${schema}.oauth_artifacts`);
    await deleteAll(client, `${schema}.consents`);
    return { sessions: sessions.rowCount ?? 0, grants, keys: await deleteAll(client, `${schema}.api_keys`) };
  });
}

/** A backup disturbs nobody: a migration may hold the lock. */
function named({ urls }: StackPlan): Blocking {
  return { adminUrl: urls.database, ends: [] };
}

/** What is put back takes the place of whatever the services still do. */
function ended({ urls, services }: StackPlan): Blocking {
  return { adminUrl: urls.database, ends: loginRolesOf(services) };
}

/** @returns how many rows there were; 0 where there is no such table, as in what a release from before it has saved */
async function deleteAll(client: pg.Client, table: string): Promise<number> {
  const found = await client.query('SELECT to_regclass($1) AS name', [table]);
  if (found.rows[0]?.name == null) return 0;
  return (await client.query(`DELETE FROM ${table}`)).rowCount ?? 0;
}

/** Not the administrator's: expressions in tables can run functions of whoever owns them. */
function urlOfRole({ urls, secrets }: StackPlan, owner: SchemaOwner): string {
  if (owner === auditOwner) return auditOwnerUrl(urls.database, secrets);
  return urls.databases[owner.name] ?? '';
}

/** All who have something that is saved. */
function ownersOf({ services }: StackPlan): SchemaOwner[] {
  return [...services, auditOwner];
}

async function readContents(
  client: pg.Client,
  schema: string,
): Promise<Omit<SchemaContents[string], 'file'> | undefined> {
  const exists = (await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])).rowCount;
  if (exists === 0) return undefined;
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = $1 AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname`,
    [schema],
  );
  const rows: Record<string, number> = {};
  for (const { name } of tables) {
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
    const counted = await client.query<{ count: number }>(`SELECT count(*)::float8 AS count FROM ${table}`);
    rows[name] = counted.rows[0]?.count ?? 0;
  }
  return { migrations: rows.migrations === undefined ? [] : await readMigrations(client, schema), rows };
}

async function readMigrations(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM ${pg.escapeIdentifier(schema)}.migrations ORDER BY id`,
  );
  return rows.map(({ name }) => name);
}

/** The password goes by the environment: arguments can be read by everybody. */
async function runProgram(
  plan: StackPlan,
  name: 'pg_dump' | 'pg_restore',
  url: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { postgres = '' } = await ensureParts(plan.cacheDir, ['postgres']);
  const program = `${name}-${randomUUID()}`;
  const { hostname, port, username, password } = new URL(url);
  const env = {
    ...serverEnvironment(),
    ...{ PGHOST: hostname, PGPORT: port || '5432', PGDATABASE: databaseOf(url) },
    ...{ PGUSER: decodeURIComponent(username), PGPASSWORD: decodeURIComponent(password), PGAPPNAME: program },
  };
  try {
    // It sets the time limits of its session itself, so its waiting is watched.
    await watchBlockers({ program }, name === 'pg_restore' ? ended(plan) : named(plan), () =>
      run(join(dirname(postgres), name), [...args], { env, signal, maxBuffer: maxOutputBytes }),
    );
  } catch (error) {
    signal.throwIfAborted();
    const said = (error as { stderr?: string }).stderr?.trim() || messageOf(error);
    throw new CliError(`${name} failed`, { advice: said.split('\n').slice(-5), cause: error });
  }
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}
