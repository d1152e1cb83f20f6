import type { Clock } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { type Actor, type AuditAction, type AuditedCall, NOBODY, person, recordAudit } from '../../audit/audit-log.ts';
import { type RevokedSession, revokedColumns } from '../../entities/session-entity.ts';
import { beginBrowserEpoch } from '../../sessions/browser-epochs.ts';
import { createRevoking, REVOKED_KEPT_MS } from '../../sessions/revoking.ts';

/** What a token becomes by which a client gave its grant back. */
const REVOKED_TOKEN = 'RevokedToken';
/** One more sign-in of a person with a client ends the oldest of them. */
const MAX_GRANTS_PER_CLIENT = 50;

const UPSERT = {
  name: 'oauth-grant-upsert',
  // Only what the person has consented to, and no longer than that counts: whoever takes it back meanwhile is waited for.
  text: `insert into oauth_grants (id, client_id, account_id, payload, created_at_ms, expires_at_ms)
      select $1, consents.client_id, accounts.id, $4, $5, least($6, consents.expires_at_ms)
      from accounts join consents on consents.account_id = accounts.id and consents.client_id = $2
      where accounts.id = $3 and accounts.state = 'ACTIVE'
        and consents.revoked_at_ms is null and consents.expires_at_ms > $5 for share
    on conflict (id) do update set payload = excluded.payload, expires_at_ms = excluded.expires_at_ms
      where oauth_grants.client_id = excluded.client_id and oauth_grants.account_id = excluded.account_id
    returning 1`,
};
const DELETE_SURPLUS = {
  name: 'oauth-grant-delete-surplus',
  text: `delete from oauth_grants where id in (select id from oauth_grants where account_id = $1 and client_id = $2
      order by created_at_ms desc, id desc offset ${MAX_GRANTS_PER_CLIENT} limit ${MAX_GRANTS_PER_CLIENT})
    returning ${revokedColumns()}`,
};
const FIND = {
  name: 'oauth-grant-find',
  text: 'select payload from oauth_grants where id = $1 and expires_at_ms > $2',
};
const DELETE = {
  name: 'oauth-grant-delete',
  text: `delete from oauth_grants where id = $1 returning ${revokedColumns()}, client_id as "clientId"`,
};
const DELETE_OF_ACCOUNT = {
  name: 'oauth-delete-of-account',
  text: `with consents as (delete from consents where account_id = $1),
      artifacts as (delete from oauth_artifacts where account_id = $1)
    delete from oauth_grants where account_id = $1 returning ${revokedColumns()}`,
};
const LOCK = { name: 'oauth-grant-lock', text: 'select 1 from oauth_grants where id = $1 for update' };
// The row outlives the grant, and tells no more than what it was a token of.
const KEEP_TOKEN = {
  name: 'oauth-grant-keep-token',
  text: `update oauth_artifacts set kind = '${REVOKED_TOKEN}', payload = jsonb_build_object('grantId', grant_id), grant_id = null,
      expires_at_ms = $3
    where id_hash = $1 and grant_id = $2`,
};
const FIND_REVOKED = {
  name: 'oauth-grant-find-revoked',
  text: `select payload->>'grantId' as id, account_id as "accountId" from oauth_artifacts
    where id_hash = $1 and client_id = $2 and kind = '${REVOKED_TOKEN}' and expires_at_ms > $3`,
};
/** Values: the session, the account that may go on or null. */
const DELETE_SESSION = {
  name: 'oauth-grant-delete-session',
  text: `delete from oauth_artifacts where id_hash = $1 and kind = 'Session' and ($2::uuid is null or account_id is distinct from $2) returning array(
      select value->>'grantId' from jsonb_each(coalesce(payload->'authorizations', '{}'))
      where value->>'grantId' is not null and value->'persistsLogout' is distinct from 'true'::jsonb) as "grantIds"`,
};
const DELETE_SEVERAL = {
  name: 'oauth-grant-delete-several',
  text: `delete from oauth_grants where id = any($1) returning ${revokedColumns()}, client_id as "clientId"`,
};
const CLEAN_UP = defineCleanUp({ name: 'oauth-grants-clean-up', table: 'oauth_grants', where: 'expires_at_ms <= $1' });

export interface Grant {
  id: string;
  clientId: string;
  accountId: string;
  /** The provider's own. */
  payload: object;
  lifetimeMs: number;
}

type EndedGrant = RevokedSession & { clientId: string };

/** What was used again that works once. */
export type ReusedAction = Extract<AuditAction, 'REUSE_REFRESH_TOKEN' | 'REUSE_CODE'>;

/** Who asks for the end of a grant: the client, by a token, or the person who signs out of the browser. */
export type EndingOfGrant = { by: 'client'; clientId: string; token: Buffer } | { by: 'sign-out' };

/**
 * What people have granted to clients. With a grant go all codes and tokens under it, in the same statement, and what they were
 * exchanged for is refused by every process: the grant's id is the session id of those.
 */
export interface Grants {
  /** @returns false when the account was ended, or the person has not consented (any more) */
  upsert(grant: Grant, context: AuditedCall): Promise<boolean>;
  find(id: string): Promise<Record<string, unknown> | undefined>;
  /**
   * Ends the grant because somebody has used what works once a second time. Refused in this process at once and everywhere when the event
   * has arrived.
   */
  endReused(id: string, what: ReusedAction, context: AuditedCall): Promise<void>;
  /**
   * Ends the grant because its person or its client asks for it; when it is done, it is refused everywhere, also when it had ended before:
   * whoever asks may have been told that it is not known yet.
   * @throws OxoError UNAVAILABLE as `Revoking.everywhere`
   */
  end(grant: RevokedSession, why: EndingOfGrant, context: AuditedCall): Promise<void>;
  /**
   * Ends the session of a browser whose person signs out, and what was granted for as long as it is signed in: also by a request that has
   * come since the provider has looked.
   * @param options.butOf an account whose session goes on
   * @param options.waits until it is refused everywhere, as `Revoking.everywhere` does; else announced as `endReused` is
   */
  endBrowser(session: Buffer, context: AuditedCall, options?: { butOf?: string; waits?: boolean }): Promise<void>;
  /** The same again for whoever brings the token by which its client ended a grant within the last day. Other tokens do nothing. */
  endAgain(token: { idHash: Buffer; clientId: string }, context: AuditedCall): Promise<void>;
  /** Deletes expired ones, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

export function createGrants(options: { db: Database; outbox: Outbox; denyList: DenyList; clock: Clock }): Grants {
  const { db, clock } = options;
  const revoking = createRevoking(options);
  const remove = (id: string) => async (tx: Transaction) => ({ revoked: await tx.query<EndedGrant>(DELETE, [id]) });

  return {
    async upsert({ id, clientId, accountId, payload, lifetimeMs }, context) {
      const { isWritten } = await revoking.inPassing(async (tx) => {
        const nowMs = clock.nowMs();
        const values = [id, clientId, accountId, JSON.stringify(payload), nowMs, nowMs + lifetimeMs];
        if ((await tx.query(UPSERT, values)).length === 0) return { isWritten: false, revoked: [] };
        return { isWritten: true, revoked: await tx.query<RevokedSession>(DELETE_SURPLUS, [accountId, clientId]) };
      }, context);
      return isWritten;
    },
    async find(id) {
      const [row] = await db.query<{ payload: Record<string, unknown> }>(FIND, [id, clock.nowMs()]);
      return row?.payload;
    },
    async endReused(id, action, context) {
      await revoking.inPassing(async (tx) => {
        const { revoked } = await remove(id)(tx);
        for (const { accountId, clientId } of revoked) {
          const ended = { accountId, clientId, sessionId: id, actor: NOBODY };
          await recordAudit(tx, { action, outcome: 'REFUSED', ...ended }, context);
        }
        return { revoked };
      }, context);
    },
    async end(grant, why, context) {
      await revoking.everywhere(async (tx) => {
        await tx.query(LOCK, [grant.id]);
        if (why.by === 'client') await tx.query(KEEP_TOKEN, [why.token, grant.id, clock.nowMs() + REVOKED_KEPT_MS]);
        const { revoked } = await remove(grant.id)(tx);
        await recordEnds(tx, revoked, why, context);
        return { revoked: [grant] };
      }, context);
    },
    async endBrowser(session, context, { butOf, waits = false } = {}) {
      await revoking[waits ? 'everywhere' : 'inPassing'](async (tx) => {
        const [ended] = await tx.query<{ grantIds: string[] }>(DELETE_SESSION, [session, butOf ?? null]);
        if (ended === undefined || ended.grantIds.length === 0) return { revoked: [] };
        const revoked = await tx.query<EndedGrant>(DELETE_SEVERAL, [ended.grantIds]);
        await recordEnds(tx, revoked, { by: 'sign-out' }, context);
        return { revoked };
      }, context);
    },
    async endAgain({ idHash, clientId }, context) {
      const revoked = await db.query<RevokedSession>(FIND_REVOKED, [idHash, clientId, clock.nowMs()]);
      if (revoked.length > 0) await revoking.everywhere(async () => ({ revoked }), context);
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}

async function recordEnds(
  tx: Transaction,
  grants: readonly EndedGrant[],
  why: EndingOfGrant,
  context: AuditedCall,
): Promise<void> {
  for (const { id, accountId, clientId } of grants) {
    const actor: Actor = why.by === 'client' ? { kind: 'CLIENT', id: why.clientId } : person(accountId);
    const ended = { accountId, clientId, sessionId: id, actor, details: { why: why.by } };
    await recordAudit(tx, { action: 'END_GRANT', ...ended }, context);
  }
}

/** Deletes all that an account has granted and consented to, and its browsers' sessions. @returns what has to be refused everywhere */
export async function endGrantsOf(tx: Transaction, accountId: string): Promise<RevokedSession[]> {
  await beginBrowserEpoch(tx, accountId);
  return tx.query<RevokedSession>(DELETE_OF_ACCOUNT, [accountId]);
}
