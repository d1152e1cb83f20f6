import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { type AuditedCall, recordAudit } from '../audit/audit-log.ts';
import { type RevokedSession, revokedColumns } from '../entities/session-entity.ts';
import { createRevoking, REVOKED_KEPT_MS } from '../sessions/revoking.ts';

const MAX_ADMINS = 1_000;

const LOCK = {
  name: 'admin-lock',
  text: `select is_admin as "isAdmin" from accounts where id = $1 and state = 'ACTIVE' for update`,
};
const SET = { name: 'admin-set', text: 'update accounts set is_admin = $2 where id = $1' };
const END_SESSIONS = {
  name: 'admin-end-sessions',
  // Kept for a day, so that a repeated call announces them again. All of who was one; else those that still are one's.
  text: `update sessions set revoked_at_ms = coalesce(revoked_at_ms, $2), expires_at_ms = least(expires_at_ms, $3)
    where account_id = $1 and ($4 or is_admin) returning ${revokedColumns()}`,
};
const LIST = {
  name: 'admin-list',
  text: `select id from accounts where is_admin and state = 'ACTIVE' order by id limit ${MAX_ADMINS}`,
};

/** Whose sessions have the scope of administration: those of accounts that the operator has named, opened since. */
export interface Admins {
  /** @returns whether it was not one before; undefined when there is no such account */
  grant(accountId: string, call: AuditedCall): Promise<boolean | undefined>;
  /**
   * Ends all sessions of the account; when it is done, their tokens are refused everywhere. What else may act for it (API keys, apps) never
   * administers, and stays. Repeated, it announces again the end of those that were an administrator's; who never was one keeps all.
   * @returns whether it was one before; undefined when there is no such account
   * @throws OxoError UNAVAILABLE as `Revoking.everywhere`
   */
  revoke(accountId: string, call: AuditedCall): Promise<boolean | undefined>;
  /** Ids of accounts, at most a thousand. */
  list(): Promise<string[]>;
}

export function createAdmins(options: { db: Database; outbox: Outbox; denyList: DenyList; clock: Clock }): Admins {
  const { db, clock } = options;
  const revoking = createRevoking(options);

  return {
    grant: (accountId, call) =>
      db.transaction(async (tx) => {
        const [account] = await tx.query<{ isAdmin: boolean }>(LOCK, [accountId]);
        if (account === undefined) return undefined;
        if (account.isAdmin) return false;
        await tx.query(SET, [accountId, true]);
        await recordAudit(tx, { action: 'GRANT_ADMIN', accountId }, call);
        return true;
      }),
    async revoke(accountId, call) {
      const { changed } = await revoking.everywhere(async (tx) => {
        // A sign-in that is under way holds the account: its session is there before the next statement, or is no administrator's.
        const [account] = await tx.query<{ isAdmin: boolean }>(LOCK, [accountId]);
        if (account === undefined) return { changed: undefined, revoked: [] };
        await tx.query(SET, [accountId, false]);
        const nowMs = clock.nowMs();
        const revoked = await tx.query<RevokedSession>(END_SESSIONS, [
          accountId,
          nowMs,
          nowMs + REVOKED_KEPT_MS,
          account.isAdmin,
        ]);
        const details = { sessions: revoked.length };
        if (account.isAdmin || revoked.length > 0)
          await recordAudit(tx, { action: 'REVOKE_ADMIN', accountId, details }, call);
        return { changed: account.isAdmin, revoked };
      }, call);
      return changed;
    },
    async list() {
      return (await db.query<{ id: string }>(LIST)).map(({ id }) => id);
    },
  };
}
