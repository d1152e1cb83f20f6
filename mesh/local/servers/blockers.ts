import type pg from 'pg';
import { CliError } from '../cli/cli-error.ts';
import { type ClientOptions, withClient } from './postgres-client.ts';

/** A lock that is not had in this time is not waited for any longer. */
const lockTimeoutMs = 10_000;
const lookEveryMs = 1_000;
const lookTimeoutMs = 3_000;

const blockersSql = `SELECT DISTINCT held.pid, held.usename AS role, held.application_name AS program, held.state,
    round(extract(epoch FROM now() - held.xact_start))::float8 AS seconds
  FROM pg_stat_activity AS waiting, unnest(pg_blocking_pids(waiting.pid)) AS blocking (pid)
  JOIN pg_stat_activity AS held ON held.pid = blocking.pid
  WHERE waiting.pid = $1 OR waiting.application_name = $2`;

type Blocker = { pid: number; role: string | null; program: string; state: string | null; seconds: number | null };

export type Waiting = { readonly pid: number } | { readonly program: string };

export type Blocking = {
  /** An administrator's, who sees the sessions of all. */
  readonly adminUrl: string;
  /** Roles whose sessions are ended when they hold up what is waited for; they come back. Of others, and of none, they are named. */
  readonly ends: readonly string[];
};

/**
 * As `withClient`, and no lock is waited for without end: sessions that hold it up are ended or named.
 * @throws CliError that names who holds the lock
 */
export async function withoutBlockers<T>(
  url: string,
  options: ClientOptions,
  blocking: Blocking,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  return withClient(url, options, async (client) => {
    // Not as an option of the connection: one in the URL would take its place.
    await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return watchBlockers({ pid: rows[0]?.pid ?? 0 }, blocking, () => use(client));
  });
}

/** Does the work, and looks meanwhile who holds up the sessions that are meant. @throws CliError that names who holds the lock */
export async function watchBlockers<T>(waiting: Waiting, blocking: Blocking, work: () => Promise<T>): Promise<T> {
  let blockers: Blocker[] = [];
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    // What has held it up at two looks is not about to end.
    const before = new Set(blockers.map(({ pid }) => pid));
    const found = await readBlockers(waiting, blocking, before);
    if (found.length > 0) blockers = found;
  };
  const timer = setInterval(() => {
    looking ??= look()
      .catch(() => {})
      .finally(() => {
        looking = undefined;
      });
  }, lookEveryMs);
  try {
    return await work();
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03' || blockers.length === 0) throw error;
    throw new CliError('Postgres: another session holds a lock that is waited for', {
      advice: [
        ...blockers.map(describe),
        'It may be a migration that runs: wait for it. Else end the session and try again.',
      ],
      cause: error,
    });
  } finally {
    clearInterval(timer);
    await looking;
  }
}

/** Ends those that may be ended and were there at the last look too. */
async function readBlockers(waiting: Waiting, blocking: Blocking, before: ReadonlySet<number>): Promise<Blocker[]> {
  const options = {
    connectionTimeoutMillis: lookTimeoutMs,
    query_timeout: lookTimeoutMs,
    application_name: 'oxo-blockers',
  };
  return withClient(blocking.adminUrl, options, async (client) => {
    const values = 'pid' in waiting ? [waiting.pid, null] : [null, waiting.program];
    const { rows } = await client.query<Blocker>(blockersSql, values);
    const ended = rows.filter(({ pid, role }) => before.has(pid) && role !== null && blocking.ends.includes(role));
    for (const { pid, role } of ended)
      await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND usename = $2', [
        pid,
        role,
      ]);
    return rows;
  });
}

function describe({ pid, role, program, state, seconds }: Blocker): string {
  const since = seconds === null ? '' : ` since ${seconds} s`;
  return `pid ${pid} of ${role ?? 'an unknown role'} (${program || 'no name'}, ${state ?? 'unknown'}${since}): SELECT pg_terminate_backend(${pid})`;
}
