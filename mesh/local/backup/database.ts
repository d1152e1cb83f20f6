import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { CliError, messageOf } from '../cli-error.ts';
import { ensureParts } from '../parts/fetch.ts';
import { serverEnvironment } from '../servers/environment.ts';
import type { ServiceDefinition } from '../services.ts';
import type { Manifest } from './manifest.ts';

const run = promisify(execFile);
/** Of what the programs print, which is errors. */
const maxOutputBytes = 4 * 1024 * 1024;

export type SchemaContents = Manifest['schemas'];

/** Dumps the services' schemas into a file, and tells what was in them at exactly that moment. */
export async function dumpDatabase(
  url: string,
  cacheDir: string,
  services: readonly ServiceDefinition[],
  file: string,
): Promise<{ schemas: SchemaContents; version: string }> {
  return withClient(url, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const snapshot = await client.query<{ id: string; version: string }>(
      `SELECT pg_export_snapshot() AS id, current_setting('server_version') AS version`,
    );
    const { id = '', version = '' } = snapshot.rows[0] ?? {};
    const schemas = await readContents(client, services);
    const names = Object.keys(schemas).flatMap((schema) => ['--schema', schema]);
    await runProgram(cacheDir, 'pg_dump', url, ['--format=custom', `--snapshot=${id}`, ...names, `--file=${file}`]);
    await client.query('COMMIT');
    return { schemas, version };
  });
}

/** Whether there is a table of ours already. */
export async function hasTables(url: string, services: readonly ServiceDefinition[]): Promise<boolean> {
  const contents = await withClient(url, (client) => readContents(client, services));
  return Object.values(contents).some(({ rows }) => Object.keys(rows).length > 0);
}

/**
 * Puts the schemas of a dump in place of those that are there, all or nothing.
 * @throws CliError when what is there afterwards is not what was dumped
 */
export async function restoreDatabase(
  url: string,
  cacheDir: string,
  services: readonly ServiceDefinition[],
  file: string,
  expected: SchemaContents,
): Promise<void> {
  await withClient(url, async (client) => {
    for (const schema of Object.keys(expected))
      await client.query(`DROP SCHEMA IF EXISTS ${pg.escapeIdentifier(schema)} CASCADE`);
  });
  await runProgram(cacheDir, 'pg_restore', url, [
    '--exit-on-error',
    '--single-transaction',
    '--dbname',
    databaseOf(url),
    file,
  ]);
  const actual = await withClient(url, (client) => readContents(client, services));
  const differences = Object.entries(expected).flatMap(([schema, { rows }]) =>
    Object.entries(rows)
      .filter(([table, count]) => actual[schema]?.rows[table] !== count)
      .map(
        ([table, count]) => `${schema}.${table} has ${actual[schema]?.rows[table] ?? 'no'} rows, ${count} were saved`,
      ),
  );
  if (differences.length > 0) throw new CliError('what was restored is not what was saved', { advice: differences });
}

async function readContents(client: pg.Client, services: readonly ServiceDefinition[]): Promise<SchemaContents> {
  const contents: SchemaContents = {};
  for (const { schema } of services) {
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
    const exists = (await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema])).rowCount;
    if (exists === 0) continue;
    contents[schema] = { migrations: rows.migrations === undefined ? [] : await readMigrations(client, schema), rows };
  }
  return contents;
}

async function readMigrations(client: pg.Client, schema: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM ${pg.escapeIdentifier(schema)}.migrations ORDER BY id`,
  );
  return rows.map(({ name }) => name);
}

/** The password goes by the environment: arguments can be read by everybody. */
async function runProgram(
  cacheDir: string,
  name: 'pg_dump' | 'pg_restore',
  url: string,
  args: readonly string[],
): Promise<void> {
  const { postgres = '' } = await ensureParts(cacheDir, ['postgres']);
  const { hostname, port, username, password } = new URL(url);
  const env = {
    ...serverEnvironment(),
    ...{ PGHOST: hostname, PGPORT: port || '5432', PGDATABASE: databaseOf(url) },
    ...{ PGUSER: decodeURIComponent(username), PGPASSWORD: decodeURIComponent(password), PGAPPNAME: name },
  };
  try {
    await run(join(dirname(postgres), name), [...args], { env, maxBuffer: maxOutputBytes });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || messageOf(error);
    throw new CliError(`${name} failed`, { advice: said.split('\n').slice(-5), cause: error });
  }
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  // A transaction may wait for as long as a dump takes.
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'oxo-backup',
    options: '-c idle_in_transaction_session_timeout=0 -c statement_timeout=0',
  });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
