import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Database, Transaction } from '#kit/db/database.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { DenyList } from '#kit/identity/deny-list.ts';
import { newId } from '#kit/ids.ts';
import { type AuditEvent, type AuditedCall, person, recordAudit } from '../audit/audit-log.ts';
import type { CountedAudit } from '../audit/counted.ts';
import { type RevokedSession, type RotationRow, revokedColumns, rotationColumns } from '../entities/session-entity.ts';
import type { Mail, MailCall } from '../mail/mail.ts';
import type { Device } from '../origin/device.ts';
import { hashOf } from '../tokens/hash.ts';
import { activateAccount } from './activate-account.ts';
import { endBrowserSessions } from './browser-epochs.ts';
import { deleteSessions } from './delete-sessions.ts';
import { BY_PASSWORD, type Factor, type Proof } from './factors.ts';
import {
  encodeRefreshToken,
  newRefreshToken,
  newRotationSalt,
  nextRefreshToken,
  type RefreshToken,
} from './refresh-token.ts';
import { createRevoking, REVOKED_KEPT_MS } from './revoking.ts';
import { standingOf } from './rotation.ts';
import type { TokenFamilies } from './token-families.ts';

/** A session ends when it was not used for so long, and after so long in any case. */
export const IDLE_MS = 30 * DAY_MS;
export const MAX_AGE_MS = 180 * DAY_MS;
/** One more signs out the one that was not used for the longest time. */
export const MAX_SESSIONS_PER_ACCOUNT = 100;

const INSERT = {
  name: 'session-insert',
  text: `insert into sessions (id, account_id, family_hash, current_hash, user_agent, ip,
      created_at_ms, last_seen_at_ms, expires_at_ms, is_admin, kind, factors)
    values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11)`,
};
const DELETE_SURPLUS = {
  name: 'session-delete-surplus',
  text: `delete from sessions where id in (select id from sessions where account_id = $1
      order by revoked_at_ms is null desc, last_seen_at_ms desc, id desc offset ${MAX_SESSIONS_PER_ACCOUNT} limit ${MAX_SESSIONS_PER_ACCOUNT})
    returning ${revokedColumns()}`,
};
const LOCK = {
  name: 'session-lock',
  text: `select ${rotationColumns()} from sessions where id = $1 and kind = 'APP' for update`,
};
const ROTATE = {
  name: 'session-rotate',
  text: `update sessions set current_hash = $2, previous_hash = $3, rotation_salt = $4, rotated_at_ms = $5,
      grace_used = false, user_agent = $6, ip = $7, last_seen_at_ms = $5, expires_at_ms = $8
    where id = $1`,
};
const USE_GRACE = { name: 'session-use-grace', text: 'update sessions set grace_used = true where id = $1' };
const DELETE_ONE = {
  name: 'session-delete',
  text: `delete from sessions where id = $1 returning ${revokedColumns()}`,
};
const REVOKE = {
  name: 'session-revoke',
  text: `update sessions set revoked_at_ms = coalesce(revoked_at_ms, $3), expires_at_ms = least(expires_at_ms, $4)
    where id = $1 and account_id = $2 returning ${revokedColumns()}, revoked_at_ms = $3 as "isNew"`,
};
const CLEAN_UP = defineCleanUp({ name: 'sessions-clean-up', table: 'sessions', where: 'expires_at_ms <= $1' });

/** A session with the refresh token that goes on with it. */
export interface OpenSession {
  sessionId: string;
  accountId: string;
  /** When its person has last shown who they are, in milliseconds since the epoch. */
  signedInAtMs: number;
  factors: readonly Factor[];
  /** The account was an administrator's when it was opened. */
  isAdmin: boolean;
  refreshToken: string;
}

/** One that was opened just now. */
export interface OpenedSession extends OpenSession {
  /** Of the account: what goes on from here, such as to an app, is worth nothing in another one. */
  epoch: number;
}

export type Refreshed = { outcome: 'REFRESHED'; session: OpenSession } | { outcome: 'REUSED' | 'UNKNOWN' };

/** Why a session is opened, for what, and by what; SIGN_IN, an app of the person's own, and a password when absent. */
export interface Opening {
  why?: 'REGISTER' | 'SIGN_IN';
  kind?: 'APP' | 'BROWSER';
  /** The one before in the same browser, whosever it is: it ends with it. */
  replaced?: { sessionId: string } | undefined;
  /** The client for which the password was typed at a page of ours. */
  clientId?: string | undefined;
  proof?: Proof;
  /** Of the account when it was seen that its person may come in; absent where the account is new. */
  epoch?: number;
}

/** Sign-ins that last: each is a row whose refresh tokens take turns. */
export interface Sessions {
  /**
   * Makes the account active, if it was not, and opens a session. Undefined when there is no such account (any more), or the epoch has ended: the
   * password is another one by now, or all sessions were ended.
   * @throws what the proof throws when it was spent meanwhile: there is no session then
   */
  open(accountId: string, device: Device, context: MailCall, opening?: Opening): Promise<OpenedSession | undefined>;
  /** Rotates a refresh token. One that was consumed before revokes its session. */
  refresh(token: RefreshToken, device: Device, context: AuditedCall): Promise<Refreshed>;
  /**
   * Ends the session, or every session of its account, those of browsers at OAuth too; when it is done, their tokens are refused everywhere. A session that
   * has ended is announced again: whoever asks holds a token that is still believed.
   * @throws OxoError UNAVAILABLE when it is not known yet that all services have heard of it
   */
  signOut(session: { sessionId: string; userId: string }, scope: 'this' | 'all', context: AuditedCall): Promise<void>;
  /**
   * Ends a session of this account; when it is done, its tokens are refused everywhere. Repeated within a day it does the same again.
   * @returns false when the account has no such session
   * @throws OxoError UNAVAILABLE as `signOut`
   */
  revoke(session: { sessionId: string; userId: string }, context: AuditedCall): Promise<boolean>;
  /** Deletes expired sessions, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

export interface SessionsOptions {
  db: Database;
  outbox: Outbox;
  denyList: DenyList;
  mail: Mail;
  counted: Pick<CountedAudit, 'record'>;
  families: Pick<TokenFamilies, 'create'>;
  clock: Clock;
}

export function createSessions(options: SessionsOptions): Sessions {
  const { db, mail, counted, families, clock } = options;
  const revoking = createRevoking(options);

  return {
    async open(
      accountId,
      device,
      context,
      { why = 'SIGN_IN', kind = 'APP', replaced, clientId, epoch, proof = BY_PASSWORD } = {},
    ) {
      const { session } = await revoking.inPassing(async (tx) => {
        const account = await activateAccount(tx, mail, { accountId, epoch }, context);
        if (account === undefined) return { session: undefined, revoked: [] };
        await proof.spend(tx);
        const { factors } = proof;
        const row = { accountId, isAdmin: account.isAdmin, device, kind, factors };
        const opened = await insert(tx, clock.nowMs(), families, row);
        const before = replaced === undefined ? [] : await tx.query<RevokedSession>(DELETE_ONE, [replaced.sessionId]);
        const by = { accountId, actor: person(accountId), sessionId: opened.sessionId };
        const action = clientId === undefined ? { action: why } : ({ action: 'CHECK_PASSWORD', clientId } as const);
        await counted.record(tx, { ...action, ...by, details: { factors: factors.join(' ') } }, context);
        const revoked = await endSurplus(tx, accountId);
        const surplus = {
          action: 'REVOKE_SESSION',
          accountId,
          actor: person(accountId),
          details: { why: 'surplus' },
        } as const;
        for (const { id } of revoked) await counted.record(tx, { ...surplus, sessionId: id }, context);
        return { session: { ...opened, epoch: account.epoch }, revoked: [...before, ...revoked] };
      }, context);
      return session;
    },
    async refresh(token, device, context) {
      const { refreshed } = await revoking.inPassing(async (tx) => {
        const result = await rotate(tx, token, device, clock.nowMs());
        const revoked = result.outcome === 'REUSED' ? await endReused(tx, token.sessionId, context) : [];
        return { refreshed: result, revoked };
      }, context);
      return refreshed;
    },
    async signOut({ sessionId, userId }, scope, context) {
      await revoking.everywhere(async (tx) => {
        const ofBrowsers = scope === 'all' ? await endBrowserSessions(tx, userId) : [];
        const deleted =
          scope === 'all' ? await deleteSessions(tx, userId) : await tx.query<RevokedSession>(DELETE_ONE, [sessionId]);
        const others = deleted.filter((session) => session.id !== sessionId);
        const details: AuditEvent['details'] = scope === 'all' ? { all: 'yes', sessions: deleted.length } : {};
        await counted.record(tx, { action: 'SIGN_OUT', accountId: userId, sessionId, details }, context);
        return { revoked: [...others, ...ofBrowsers, { id: sessionId, accountId: userId }] };
      }, context);
    },
    async revoke({ sessionId, userId }, context) {
      const nowMs = clock.nowMs();
      const { revoked } = await revoking.everywhere(async (tx) => {
        const values = [sessionId, userId, nowMs, nowMs + REVOKED_KEPT_MS];
        const found = await tx.query<RevokedSession & { isNew: boolean }>(REVOKE, values);
        if (found[0]?.isNew)
          await counted.record(tx, { action: 'REVOKE_SESSION', accountId: userId, sessionId }, context);
        return { revoked: found };
      }, context);
      return revoked.length > 0;
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs()]),
  };
}

/** The row of a session that is opened now. */
async function insert(
  tx: Transaction,
  nowMs: number,
  families: Pick<TokenFamilies, 'create'>,
  opened: { accountId: string; isAdmin: boolean; device: Device; kind: string; factors: Proof['factors'] },
): Promise<OpenSession> {
  const { accountId, isAdmin, device, kind, factors } = opened;
  const sessionId = newId(nowMs);
  const token = newRefreshToken(sessionId, families.create(sessionId));
  await tx.query(INSERT, [
    ...[token.sessionId, accountId, hashOf(token.family), hashOf(token.secret)],
    ...[device.userAgent, device.ip, nowMs, nowMs + IDLE_MS, isAdmin, kind, factors],
  ]);
  const refreshToken = encodeRefreshToken(token);
  return { sessionId, accountId, signedInAtMs: nowMs, factors, isAdmin, refreshToken };
}

async function rotate(tx: Transaction, token: RefreshToken, device: Device, nowMs: number): Promise<Refreshed> {
  const [row] = await tx.query<RotationRow>(LOCK, [token.sessionId]);
  const standing = standingOf(row, token, nowMs);
  if (row === undefined || standing === 'UNKNOWN') return { outcome: 'UNKNOWN' };
  if (standing === 'REUSED') return { outcome: 'REUSED' };
  const salt = standing === 'REPEATED' && row.rotationSalt != null ? row.rotationSalt : newRotationSalt();
  const next = nextRefreshToken(token, salt);
  if (standing === 'REPEATED') await tx.query(USE_GRACE, [token.sessionId]);
  else {
    const expiresAtMs = Math.min(nowMs + IDLE_MS, row.createdAtMs + MAX_AGE_MS);
    await tx.query(ROTATE, [
      ...[token.sessionId, hashOf(next.secret), row.currentHash, salt, nowMs],
      ...[device.userAgent, device.ip, expiresAtMs],
    ]);
  }
  const session = {
    sessionId: token.sessionId,
    accountId: row.accountId,
    signedInAtMs: row.confirmedAtMs ?? row.createdAtMs,
    factors: row.factors as Factor[],
    isAdmin: row.isAdmin,
    refreshToken: encodeRefreshToken(next),
  };
  return { outcome: 'REFRESHED', session };
}

/** Ends the sessions that are too many for one account. */
function endSurplus(tx: Transaction, accountId: string): Promise<RevokedSession[]> {
  return tx.query<RevokedSession>(DELETE_SURPLUS, [accountId]);
}

/** Ends a session whose consumed refresh token somebody has used. */
async function endReused(tx: Transaction, sessionId: string, context: AuditedCall): Promise<RevokedSession[]> {
  const revoked = await tx.query<RevokedSession>(DELETE_ONE, [sessionId]);
  const ended = { accountId: revoked[0]?.accountId, sessionId };
  await recordAudit(tx, { action: 'REUSE_REFRESH_TOKEN', outcome: 'REFUSED', ...ended }, context);
  return revoked;
}
