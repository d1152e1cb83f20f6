import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { hashOf } from '../../tokens/hash.ts';
import { apiScopesOf } from '../../tokens/scopes.ts';

/** Those that the library makes: 256 random bits, in base64url. */
const TOKEN = /^[\w-]{43}$/;

// One without offline_access lives no longer than the browser's session in which it was granted.
export const FIND_ACCESS_TOKEN = {
  name: 'oauth-access-token-find',
  text: `select token.client_id as "clientId", token.account_id as "accountId", token.grant_id as "grantId",
      coalesce(token.payload->>'scope', '') as scope,
      least(token.expires_at_ms, granted.expires_at_ms)::float8 as "expiresAtMs"
    from oauth_artifacts token
      left join oauth_grants granted on granted.id = token.grant_id
        and granted.client_id = token.client_id and granted.account_id = token.account_id and granted.expires_at_ms > $2
      left join accounts on accounts.id = token.account_id and accounts.state = 'ACTIVE'
    where token.id_hash = $1 and token.expires_at_ms > $2 and (token.kind = 'ClientCredentials'
      or token.kind = 'AccessToken' and granted.id is not null and accounts.id is not null
        and (token.payload->'expiresWithSession' is distinct from 'true'::jsonb or exists (
          select 1 from oauth_artifacts session where session.uid = token.payload->>'sessionUid' and session.kind = 'Session'
            and session.expires_at_ms > $2 and session.account_id = token.account_id
            and session.payload->'authorizations'->token.client_id->>'grantId' = token.grant_id)))`,
};

/** What an access token of a client stands for, now. */
export interface OAuthAccessToken {
  /** Undefined: the client acts for itself (client credentials), and is no person. */
  accountId: string | undefined;
  clientId: string;
  /** Of a person's: with it the token ends, as the session id of what the token is exchanged for. */
  grantId: string | undefined;
  /** Those that the API knows, as they were granted. */
  scopes: string[];
  /** In milliseconds since the epoch. */
  expiresAtMs: number;
}

/**
 * Finds the access token of a client, in one statement. Tokens that have expired or were revoked, and those of accounts that have ended,
 * are not found.
 * @throws OxoError UNAVAILABLE when the database is away
 */
export type FindAccessToken = (token: string) => Promise<OAuthAccessToken | undefined>;

export function createFindAccessToken(db: Queryable, clock: Clock): FindAccessToken {
  return async (token) => {
    if (!TOKEN.test(token)) return undefined;
    const [row] = await db.query<Row>(FIND_ACCESS_TOKEN, [hashOf(token), clock.nowMs()]);
    if (row === undefined) return undefined;
    const { clientId, accountId, grantId, scope, expiresAtMs } = row;
    return {
      accountId: accountId ?? undefined,
      clientId,
      grantId: grantId ?? undefined,
      scopes: apiScopesOf(scope),
      expiresAtMs,
    };
  };
}

interface Row {
  clientId: string;
  accountId: string | null;
  grantId: string | null;
  scope: string;
  expiresAtMs: number;
}
