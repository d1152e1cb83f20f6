import type { IncomingMessage } from 'node:http';
import type { Clock } from '#kit/clock.ts';
import type { Database, Queryable, Transaction } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { type RevokedSession, revokedColumns } from '../../entities/session-entity.ts';
import { callOf } from '../../http/call-of.ts';
import { readCookie } from '../../http/cookies.ts';
import { createRevoking } from '../../sessions/revoking.ts';
import { hashOf } from '../../tokens/hash.ts';
import { cookieOptions } from '../interactions/cookies.ts';

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

/** Values: the session, the account that may go on or null. */
const DELETE_ONE = {
  name: 'oauth-browser-session-delete',
  text: `delete from oauth_artifacts
    where id_hash = $1 and kind = 'Session' and ($2::uuid is null or account_id is distinct from $2)
    returning array(select value->>'grantId' from jsonb_each(coalesce(payload->'authorizations', '{}'))
      where value->>'persistsLogout' is distinct from 'true' and value->>'grantId' is not null) as "grantIds"`,
};
const DELETE_ITS_GRANTS = {
  name: 'oauth-browser-session-delete-its-grants',
  text: `delete from oauth_grants where id = any($1) returning ${revokedColumns()}`,
};

/** Ends the provider's session of the browser that sends the request, as the provider does when a client signs a person out. */
export function createEndBrowser(options: {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  issuer: string;
  cookieSecrets: readonly string[];
  clock: Clock;
}): (pair: { request: IncomingMessage }, but?: { butOf: string }) => Promise<void> {
  const revoking = createRevoking(options);
  const { session: name } = cookieOptions(options.issuer, options.cookieSecrets).names;
  return async ({ request }, but) => {
    const id = readCookie(request.headers, name);
    if (id === undefined) return;
    await revoking.everywhere(
      async (tx) => {
        const [ended] = await tx.query<{ grantIds: string[] }>(DELETE_ONE, [hashOf(id), but?.butOf ?? null]);
        const grantIds = ended?.grantIds ?? [];
        return { revoked: grantIds.length === 0 ? [] : await tx.query<RevokedSession>(DELETE_ITS_GRANTS, [grantIds]) };
      },
      callOf(request.headers, options.clock),
    );
  };
}
