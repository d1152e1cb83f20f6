import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CliError, messageOf } from '../cli/cli-error.ts';
import { loopback } from '../ports.ts';
import type { ProcessSpec } from '../supervisor/process.ts';
import { serverEnvironment } from './environment.ts';
import { withClient } from './postgres-client.ts';
import { chooseUnprivileged, commandAs, handOver, type Unprivileged } from './unprivileged.ts';

const run = promisify(execFile);
const initTimeoutMs = 120_000;
/** Answered with one byte before anything else, while it recovers or is full too. */
const sslRequest = '\0\0\0\x08\x04\xd2\x16\x2f';

/** Name of the administrator and of the database that holds all schemas. */
const postgresAdmin = 'oxo';
export const databaseName = 'oxo';

export type PostgresOptions = {
  /** The `postgres` program of a whole installation (initdb lies beside it). */
  readonly program: string;
  readonly dataDir: string;
  /** Undefined: no socket in the file system. */
  readonly socketDir: string | undefined;
  readonly logPath: string;
  readonly port: number;
  readonly password: string;
  readonly maxConnections: number;
  /** False only for servers whose data nobody needs after a test run. */
  readonly durable: boolean;
};

/** Makes the data folder when there is none, and tells how to run the server. */
export async function preparePostgres(options: PostgresOptions): Promise<ProcessSpec> {
  const way = await chooseUnprivileged();
  if (!existsSync(join(options.dataDir, 'PG_VERSION'))) await initialise(options, way);
  if (options.socketDir !== undefined) await mkdir(options.socketDir, { recursive: true, mode: 0o755 });
  handOver(way, [options.dataDir, options.socketDir ?? options.dataDir], options.program);
  return {
    name: 'postgres',
    ...commandAs(way, options.program, ['-D', options.dataDir, ...settingArguments(options)]),
    env: serverEnvironment(),
    cwd: options.dataDir,
    logPath: options.logPath,
    probe: () => answers(adminUrl(options.port, options.password, 'postgres')),
    readyTimeoutMs: 60_000,
    heartbeat: { port: options.port, question: sslRequest },
    // Fast shutdown: sessions are ended, everything is checkpointed. SIGTERM would wait for the clients.
    stopSignal: 'SIGINT',
    stopTimeoutMs: 30_000,
  };
}

/** The administrator's URL of a server on this machine. */
export function adminUrl(port: number, password: string, database: string = databaseName): string {
  return `postgres://${postgresAdmin}:${password}@${loopback}:${port}/${database}`;
}

/** Appears by one rename, so a kill in the middle leaves no half-made folder. */
async function initialise(options: PostgresOptions, way: Unprivileged): Promise<void> {
  const fresh = `${options.dataDir}.new`;
  const passwordFile = `${options.dataDir}.password`;
  await rm(fresh, { recursive: true, force: true });
  await rm(passwordFile, { force: true });
  await mkdir(dirname(fresh), { recursive: true, mode: 0o755 });
  await mkdir(fresh, { mode: 0o700 });
  const initdb = join(dirname(options.program), 'initdb');
  const { command, args, uid } = commandAs(way, initdb, [
    ...['-D', fresh, '-U', postgresAdmin, `--pwfile=${passwordFile}`],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8'],
    ...(options.durable ? [] : ['--no-sync']),
  ]);
  try {
    await writeFile(passwordFile, options.password, { mode: 0o600 });
    handOver(way, [fresh, passwordFile], options.program);
    const identity = uid === undefined ? {} : { uid, gid: uid };
    await run(command, args, { ...identity, cwd: fresh, timeout: initTimeoutMs });
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('initdb failed', { advice: [messageOf(error)], cause: error });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(fresh, options.dataDir);
}

/**
 * What people wrote stands in statements (the mapper writes values into their text), parameters and details of errors ("Key (handle)=(ada) already
 * exists"): none of them is logged. What is slow stands in pg_stat_statements, without values.
 */
const quietAboutPeople = {
  log_statement: 'none',
  log_min_duration_statement: -1,
  log_min_duration_sample: -1,
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_parameter_max_length: 0,
  log_parameter_max_length_on_error: 0,
};

/** Settings by command line, so that a new version of them needs no change to the data folder. */
function settingArguments(options: PostgresOptions): string[] {
  const safety = options.durable ? 'on' : 'off';
  const settings = {
    listen_addresses: loopback,
    port: options.port,
    unix_socket_directories: options.socketDir ?? '',
    unix_socket_permissions: '0700',
    password_encryption: 'scram-sha-256',
    fsync: safety,
    synchronous_commit: safety,
    full_page_writes: safety,
    max_connections: options.maxConnections,
    shared_buffers: '128MB',
    max_wal_size: '1GB',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...quietAboutPeople,
    idle_in_transaction_session_timeout: '60s',
    shared_preload_libraries: hasStatStatements(options.program) ? 'pg_stat_statements' : '',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

function hasStatStatements(program: string): boolean {
  return existsSync(join(dirname(program), '../lib/pg_stat_statements.so'));
}

/** Whether a server answers a query. */
function answers(url: string): Promise<boolean> {
  return withClient(url, { connectionTimeoutMillis: 1_000, application_name: 'oxo-probe' }, async (client) => {
    await client.query('SELECT 1');
    return true;
  });
}
