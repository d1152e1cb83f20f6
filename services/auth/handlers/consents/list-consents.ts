import type { ListConsentsRequest, ListConsentsResponse } from '#gen/oxo/auth/v1/consent_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { consentsOf } from '../../consents/listing.ts';

/** @throws OxoError UNAVAILABLE when the database is away */
export function listConsents({ db, clock }: { db: Queryable; clock: Clock }) {
  return async (_: ListConsentsRequest, context: CallContext): Promise<ListConsentsResponse> => {
    const consents = await consentsOf(db, requireViewer(context).userId, clock.nowMs());
    return {
      consents: consents.map(({ clientId, clientName, clientUri, granted, refused, firstAtMs, lastAtMs }) => ({
        clientId,
        clientName,
        clientUri,
        scopes: granted,
        refusedScopes: refused,
        firstGrantedAt: new Date(firstAtMs),
        lastGrantedAt: new Date(lastAtMs),
      })),
    };
  };
}
