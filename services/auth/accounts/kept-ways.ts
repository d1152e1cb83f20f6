import type { Queryable } from '#kit/db/database.ts';

/** Values: account, now. */
const COUNT = {
  name: 'account-count-kept-ways',
  text: `select (select count(*)::int from passkeys where account_id = $1) as passkeys,
      (select count(*)::int from api_keys where account_id = $1 and expires_at_ms > $2 and revoked_at_ms is null) as "apiKeys",
      (select count(*)::int from consents where account_id = $1 and expires_at_ms > $2 and revoked_at_ms is null) as apps`,
};

/** How much of what lets in to an account, or acts for it, a change of the password leaves as it is. */
export interface KeptWays {
  passkeys: number;
  apiKeys: number;
  /** That the person has allowed something. */
  apps: number;
}

/** Counts them. @param nowMs since the epoch */
export async function countKeptWays(db: Queryable, accountId: string, nowMs: number): Promise<KeptWays> {
  const [counts] = await db.query<KeptWays>(COUNT, [accountId, nowMs]);
  return counts ?? { passkeys: 0, apiKeys: 0, apps: 0 };
}
