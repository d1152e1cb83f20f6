import { type ClientOptions, withClient } from './postgres-client.ts';

const lookEveryMs = 30_000;
const timeoutMs = 5_000;
const clientOptions: ClientOptions = {
  connectionTimeoutMillis: timeoutMs,
  query_timeout: timeoutMs,
  application_name: 'oxo-old-sessions',
};

/** When a session that keeps vacuum from all tables is ended. */
export type SnapshotLimits = {
  /** It has a snapshot and does nothing. */
  readonly idleSeconds: number;
  /** A statement of it runs. A long index of a migration, or a dump, is no reason. */
  readonly busySeconds: number;
};

const defaultLimits: SnapshotLimits = { idleSeconds: 300, busySeconds: 3_600 };

/**
 * Ends sessions of roles that hold a snapshot or an id of a transaction for too long: a role may switch off the time limits of its own
 * sessions. Locks of relays have neither.
 * @param url an administrator's
 * @returns what was ended, in words
 */
export async function endOldSessions(
  url: string,
  roles: readonly string[],
  { idleSeconds, busySeconds }: SnapshotLimits = defaultLimits,
): Promise<string[]> {
  return withClient(url, clientOptions, async (client) => {
    const { rows } = await client.query<{ text: string }>(
      `SELECT format('pid %s of %s (%s)', pid, usename, state) AS text, pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = ANY ($1) AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
          AND (xact_start < now() - make_interval(secs => $3)
            OR state LIKE 'idle in transaction%' AND state_change < now() - make_interval(secs => $2))`,
      [roles, idleSeconds, busySeconds],
    );
    return rows.map(({ text }) => text);
  });
}

/** Does that again and again. @param tell gets what was ended @returns what ends it */
export function endOldSessionsRegularly(
  url: string,
  roles: readonly string[],
  tell: (text: string) => void,
): () => void {
  const timer = setInterval(() => {
    endOldSessions(url, roles).then(
      (ended) => {
        for (const session of ended) tell(`ended, since it kept vacuum from all tables: ${session}`);
      },
      // It is away, or is being started again; the next look comes soon.
      () => undefined,
    );
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
