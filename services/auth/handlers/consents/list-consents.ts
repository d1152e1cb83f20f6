import type { ListConsentsRequest, ListConsentsResponse } from '#gen/oxo/auth/v1/consent_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { MAX_CONSENTS_PER_ACCOUNT } from '../../consents/consents.ts';
import { inOrder } from '../../oauth/scopes.ts';

interface ListedConsent {
  clientId: string;
  clientName: string;
  clientUri: string;
  granted: string[];
  refused: string[];
  firstAtMs: number;
  lastAtMs: number;
}

// A grant that was given to another device may still hold more than the person has said last: all that the app can do is told.
export const LIST_CONSENTS = {
  name: 'consent-list',
  text: `select client_id as "clientId", coalesce(metadata->>'client_name', client_id) as "clientName",
      coalesce(metadata->>'client_uri', '') as "clientUri", granted || array(
        select unnest(string_to_array(payload->'openid'->>'scope', ' ')) from oauth_grants
        where oauth_grants.account_id = consents.account_id and oauth_grants.client_id = consents.client_id
          and oauth_grants.expires_at_ms > $2) as granted,
      refused, first_at_ms::float8 as "firstAtMs", last_at_ms::float8 as "lastAtMs"
    from consents join oauth_clients on oauth_clients.id = consents.client_id
    where account_id = $1 and revoked_at_ms is null and expires_at_ms > $2
    order by last_at_ms desc, client_id limit ${MAX_CONSENTS_PER_ACCOUNT}`,
};

/** @throws OxoError UNAVAILABLE when the database is away */
export function listConsents({ db, clock }: { db: Queryable; clock: Clock }) {
  return async (_: ListConsentsRequest, context: CallContext): Promise<ListConsentsResponse> => {
    const { userId } = requireViewer(context);
    const rows = await db.query<ListedConsent>(LIST_CONSENTS, [userId, clock.nowMs()]);
    return {
      consents: rows.map(({ clientId, clientName, clientUri, granted, refused, firstAtMs, lastAtMs }) => ({
        ...{ clientId, clientName, clientUri },
        scopes: inOrder(granted),
        refusedScopes: inOrder(refused.filter((scope) => !granted.includes(scope))),
        firstGrantedAt: new Date(firstAtMs),
        lastGrantedAt: new Date(lastAtMs),
      })),
    };
  };
}
