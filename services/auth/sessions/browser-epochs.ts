import type { Queryable, Transaction } from '#kit/db/database.ts';
import { type RevokedSession, revokedColumns } from '../entities/session-entity.ts';

const BEGIN_EPOCH = {
  name: 'oauth-browser-epoch-begin',
  text: 'update accounts set browser_epoch = browser_epoch + 1 where id = $1',
};
const DELETE_SESSIONS = {
  name: 'oauth-browser-session-delete-of-account',
  text: "delete from oauth_artifacts where account_id = $1 and kind in ('Session', 'Interaction')",
};
const DELETE_GRANTS = {
  name: 'oauth-browser-session-delete-grants',
  text: `delete from oauth_grants where account_id = $1
      and not 'offline_access' = any(string_to_array(coalesce(payload->'openid'->>'scope', ''), ' '))
    returning ${revokedColumns()}`,
};

/**
 * Signs a person out of all browsers: from now on each has to sign in to go on to an app. What was granted for as long as the browser is
 * signed in ends with it; what was granted for when the person is away is ended by its consent.
 * It holds the account, and so comes first in its transaction.
 * @returns what has to be refused everywhere
 */
export async function endBrowserSessions(tx: Transaction, accountId: string): Promise<RevokedSession[]> {
  await beginBrowserEpoch(tx, accountId);
  await tx.query(DELETE_SESSIONS, [accountId]);
  return tx.query<RevokedSession>(DELETE_GRANTS, [accountId]);
}

/**
 * From now on no sign-in of before gives a browser anything, also one whose request is under way: it holds the account while it stores what it
 * gives, or comes after this.
 */
export async function beginBrowserEpoch(tx: Queryable, accountId: string): Promise<void> {
  await tx.query(BEGIN_EPOCH, [accountId]);
}
