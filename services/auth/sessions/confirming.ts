import type { Transaction } from '#kit/db/database.ts';
import type { Factor } from './factors.ts';

/** Values: session, account, now, factors. Each is said once, in the order in which they were shown. */
const CONFIRM = {
  name: 'session-confirm',
  text: `update sessions set confirmed_at_ms = $3,
      factors = factors || array(select factor from unnest($4::text[]) as factor where factor <> all (factors))
    where id = $1 and account_id = $2 and expires_at_ms > $3 and revoked_at_ms is null
    returning is_admin as "isAdmin"`,
};

/**
 * Notes that the person of a session has shown again who they are.
 * @returns undefined when there is no such session (any more)
 */
export async function confirmSession(
  tx: Transaction,
  { sessionId, accountId }: { sessionId: string; accountId: string },
  factors: readonly Factor[],
  nowMs: number,
): Promise<{ isAdmin: boolean } | undefined> {
  const [confirmed] = await tx.query<{ isAdmin: boolean }>(CONFIRM, [sessionId, accountId, nowMs, factors]);
  return confirmed;
}
