import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { type AuditedCall, person, recordAudit } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { type RevokedSession, revokedColumns } from '../entities/session-entity.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import { createRevoking, REVOKED_KEPT_MS } from '../sessions/revoking.ts';

/** One more ends the one that was given the longest time ago, with the app's tokens. */
export const MAX_CONSENTS_PER_ACCOUNT = 100;
/** After so long the person is asked anew. */
const COUNTS_FOR_MS = 365 * DAY_MS;

const FIND = {
  name: 'consent-find',
  text: `select granted, refused from consents
    where account_id = $1 and client_id = $2 and revoked_at_ms is null and expires_at_ms > $3`,
};
// The lock on the account lets one of its consents be written at a time, so that they can be counted. What was said before about other
// scopes still holds, unless it was revoked.
const RECORD = {
  name: 'consent-record',
  text: `with account as (select id from accounts where id = $1 and state = 'ACTIVE'
        and browser_epoch = coalesce($7, browser_epoch) for no key update)
    insert into consents (account_id, client_id, granted, refused, first_at_ms, last_at_ms, expires_at_ms)
      select account.id, oauth_clients.id, $3, $4, $5, $5, $6 from account join oauth_clients on oauth_clients.id = $2
    on conflict (account_id, client_id) do update set
      granted = excluded.granted || ${keptOf('granted')},
      refused = excluded.refused || ${keptOf('refused')},
      first_at_ms = case when consents.revoked_at_ms is null then consents.first_at_ms else excluded.first_at_ms end,
      last_at_ms = excluded.last_at_ms, expires_at_ms = excluded.expires_at_ms, revoked_at_ms = null, revoked_grants = null
    returning first_at_ms = last_at_ms as "isFirst",
      (select metadata->>'client_name' from oauth_clients where oauth_clients.id = consents.client_id) as app`,
};
const DELETE_SURPLUS = {
  name: 'consent-delete-surplus',
  text: `delete from consents where account_id = $1 and client_id in (select client_id from consents where account_id = $1
      order by revoked_at_ms is null desc, last_at_ms desc, client_id
      offset ${MAX_CONSENTS_PER_ACCOUNT} limit ${MAX_CONSENTS_PER_ACCOUNT})
    returning client_id as "clientId"`,
};
// A grant that is being made holds the consent or finds it revoked: none is left behind the next statement.
const REVOKE = {
  name: 'consent-revoke',
  text: `update consents set revoked_at_ms = coalesce(revoked_at_ms, $3), expires_at_ms = $4, granted = '{}', refused = '{}'
    where account_id = $1 and client_id = $2 returning coalesce(revoked_grants, '{}') as "revokedGrants"`,
};
const DELETE_GRANTS = {
  name: 'consent-delete-grants',
  text: `delete from oauth_grants where account_id = $1 and client_id = any($2) returning ${revokedColumns()}`,
};
const KEEP_REVOKED = {
  name: 'consent-keep-revoked',
  text: 'update consents set revoked_grants = $3 where account_id = $1 and client_id = $2',
};
const CLEAN_UP = defineCleanUp({ name: 'consents-clean-up', table: 'consents', where: 'expires_at_ms <= $1' });

function granting({ accountId, clientId }: Parties, scopes: readonly string[]) {
  const details = { scopes: scopes.join(' ') };
  return { action: 'GRANT_CONSENT', accountId, actor: person(accountId), clientId, details } as const;
}

function keptOf(column: string): string {
  return `case when consents.revoked_at_ms is null then array(select unnest(consents.${column})
        except select unnest(excluded.granted || excluded.refused)) else '{}' end`;
}

/** A person and an app. */
export interface Parties {
  accountId: string;
  clientId: string;
}

/** What the person has said of each scope that the app has asked for so far. */
export interface Decision {
  granted: string[];
  refused: string[];
}

/**
 * What people have said about apps: they are asked once for each app and scope, and no grant is made without it (`oauth/storage/grants.ts`).
 */
export interface Consents {
  /** @returns undefined when the person has said nothing that still counts */
  find(parties: Parties): Promise<Decision | undefined>;
  /**
   * Notes what the person has said of these scopes.
   * @param asked with the epoch of the account in which they were asked
   * @returns false when account or app are not there (any more), or the epoch has ended
   */
  record(asked: Parties & { epoch?: number }, decision: Decision, context: MailCall): Promise<boolean>;
  /**
   * Writes down that the app is about to get another grant without a question, by what the person has said before. Before it gets it: none is
   * given that is not in the audit log.
   */
  grantAgain(parties: Parties, scopes: readonly string[], context: AuditedCall): Promise<void>;
  /**
   * Ends the consent and all that was granted under it; when it is done, the app's tokens are refused everywhere. Repeated within a day
   * it does the same again.
   * @returns false when there is none
   * @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it; it is done all the same
   */
  revoke(parties: Parties, context: AuditedCall): Promise<boolean>;
  /** Deletes those that count no more, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

export function createConsents(options: {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  counted: Pick<CountedAudit, 'record'>;
  mail: Pick<Mail, 'notify'>;
  clock: Clock;
}): Consents {
  const { db, counted, mail, clock } = options;
  const revoking = createRevoking(options);

  async function endSurplus(tx: Transaction, accountId: string): Promise<RevokedSession[]> {
    const surplus = await tx.query<{ clientId: string }>(DELETE_SURPLUS, [accountId]);
    if (surplus.length === 0) return [];
    return tx.query<RevokedSession>(DELETE_GRANTS, [accountId, surplus.map(({ clientId }) => clientId)]);
  }

  return {
    async find({ accountId, clientId }) {
      const [row] = await db.query<Decision>(FIND, [accountId, clientId, clock.nowMs()]);
      return row;
    },
    async record({ accountId, clientId, epoch }, { granted, refused }, context) {
      const { isWritten } = await revoking.inPassing(async (tx) => {
        const nowMs = clock.nowMs();
        const values = [accountId, clientId, granted, refused, nowMs, nowMs + COUNTS_FOR_MS, epoch ?? null];
        const [written] = await tx.query<{ isFirst: boolean; app: string | null }>(RECORD, values);
        if (written === undefined) return { isWritten: false, revoked: [] };
        if (written.isFirst) {
          await mail.notify(tx, { kind: 'NEW_APP', accountId, params: { app: written.app ?? clientId } }, context);
        }
        await recordAudit(tx, granting({ accountId, clientId }, granted), context);
        return { isWritten: true, revoked: await endSurplus(tx, accountId) };
      }, context);
      return isWritten;
    },
    async grantAgain(parties, scopes, context) {
      const { details, ...event } = granting(parties, scopes);
      await recordAudit(db, { ...event, details: { ...details, remembered: 'yes' } }, context);
    },
    async revoke({ accountId, clientId }, context) {
      const nowMs = clock.nowMs();
      const { isThere } = await revoking.everywhere(async (tx) => {
        const [row] = await tx.query<{ revokedGrants: string[] }>(REVOKE, [
          ...[accountId, clientId, nowMs, nowMs + REVOKED_KEPT_MS],
        ]);
        if (row === undefined) return { isThere: false, revoked: [] };
        const ended = await tx.query<RevokedSession>(DELETE_GRANTS, [accountId, [clientId]]);
        const ids = [...row.revokedGrants, ...ended.map(({ id }) => id)];
        await tx.query(KEEP_REVOKED, [accountId, clientId, ids]);
        if (ended.length > 0) await counted.record(tx, { action: 'REVOKE_CONSENT', accountId, clientId }, context);
        return { isThere: true, revoked: ids.map((id) => ({ id, accountId })) };
      }, context);
      return isThere;
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}
