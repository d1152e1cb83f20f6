import type { Queryable } from '#kit/db/database.ts';
import { inOrder } from '../tokens/scopes.ts';
import { MAX_CONSENTS_PER_ACCOUNT } from './consents.ts';

/** What a person has allowed to an app, and what they have not. */
export interface ListedConsent {
  clientId: string;
  clientName: string;
  clientUri: string;
  /** One of where it gets its answers; empty of one that has no such place, as a device. */
  redirectUri: string;
  registeredAtMs: number;
  /** In the order of OAUTH_SCOPES. */
  granted: string[];
  refused: string[];
  firstAtMs: number;
  lastAtMs: number;
}

// A grant that was given to another device may still hold more than the person has said last: all that the app can do is told.
export const LIST_CONSENTS = {
  name: 'consent-list',
  text: `select client_id as "clientId", coalesce(metadata->>'client_name', client_id) as "clientName",
      coalesce(metadata->>'client_uri', '') as "clientUri", coalesce(metadata->'redirect_uris'->>0, '') as "redirectUri",
      oauth_clients.created_at_ms::float8 as "registeredAtMs", granted || array(
        select unnest(string_to_array(payload->'openid'->>'scope', ' ')) from oauth_grants
        where oauth_grants.account_id = consents.account_id and oauth_grants.client_id = consents.client_id
          and oauth_grants.expires_at_ms > $2) as granted,
      refused, first_at_ms::float8 as "firstAtMs", last_at_ms::float8 as "lastAtMs"
    from consents join oauth_clients on oauth_clients.id = consents.client_id
    where account_id = $1 and revoked_at_ms is null and expires_at_ms > $2
    order by last_at_ms desc, client_id limit ${MAX_CONSENTS_PER_ACCOUNT}`,
};

/** The apps that an account has allowed something, the last one first. There are few, so there are no pages. */
export async function consentsOf(db: Queryable, accountId: string, nowMs: number): Promise<ListedConsent[]> {
  const rows = await db.query<ListedConsent>(LIST_CONSENTS, [accountId, nowMs]);
  return rows.map(({ granted, refused, ...rest }) => ({
    ...rest,
    granted: inOrder(granted),
    refused: inOrder(refused.filter((scope) => !granted.includes(scope))),
  }));
}
