import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export const SessionEntity = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    /** SHA-256 of the part of the refresh token that all tokens of the session share. */
    familyHash: p.blob(),
    /** SHA-256 of the part that changes: of the token that is valid now, and of the one before it. */
    currentHash: p.blob(),
    previousHash: p.blob().nullable(),
    /** With the token before, it gives the current one again; worth nothing without. */
    rotationSalt: p.blob().nullable(),
    rotatedAtMs: p.bigint('number').nullable(),
    /** The token before was used once more already. */
    graceUsed: p.boolean(),
    userAgent: p.text(),
    ip: p.text(),
    createdAtMs: p.bigint('number'),
    lastSeenAtMs: p.bigint('number'),
    expiresAtMs: p.bigint('number'),
    /** Its owner revoked it from the list: its tokens are worth nothing, the row only tells that it was theirs. */
    revokedAtMs: p.bigint('number').nullable(),
    /** Opened while the account was an administrator's: its tokens have the scope of administration. */
    isAdmin: p.boolean(),
    /** BROWSER: of a browser at our own pages, whose cookie it is; APP: of an app, which refreshes it. */
    kind: p.text(),
    /** What it was opened with, and confirmed with since: names of the contract. */
    factors: p.array(),
    /** When its person has last confirmed that it is still them; null for never. */
    confirmedAtMs: p.bigint('number').nullable(),
  },
});

/** A row of the table sessions. */
export type SessionRow = InferEntity<typeof SessionEntity>;

/** What a refresh has to know of a session. */
export type RotationRow = Pick<
  SessionRow,
  | 'accountId'
  | 'familyHash'
  | 'currentHash'
  | 'previousHash'
  | 'rotationSalt'
  | 'rotatedAtMs'
  | 'graceUsed'
  | 'createdAtMs'
  | 'expiresAtMs'
  | 'revokedAtMs'
  | 'isAdmin'
  | 'factors'
  | 'confirmedAtMs'
>;

/** The columns of a RotationRow. Numbers of 64 bits become JavaScript numbers. */
export const rotationColumns =
  () => `account_id as "accountId", family_hash as "familyHash", current_hash as "currentHash",
  previous_hash as "previousHash", rotation_salt as "rotationSalt", rotated_at_ms::float8 as "rotatedAtMs",
  grace_used as "graceUsed", created_at_ms::float8 as "createdAtMs", expires_at_ms::float8 as "expiresAtMs",
  revoked_at_ms::float8 as "revokedAtMs", is_admin as "isAdmin", factors, confirmed_at_ms::float8 as "confirmedAtMs"`;

/** What a statement that deletes sessions gives of each. */
export type RevokedSession = Pick<SessionRow, 'id' | 'accountId'>;

/** The columns of a RevokedSession. */
export const revokedColumns = () => 'id, account_id as "accountId"';

/** What is shown of a session to whom it belongs. */
export type ListedSession = Pick<SessionRow, 'id' | 'userAgent' | 'ip' | 'createdAtMs' | 'lastSeenAtMs' | 'factors'>;

/** The columns of a ListedSession. Numbers of 64 bits become JavaScript numbers. */
export const listedColumns = () => `id, user_agent as "userAgent", ip, created_at_ms::float8 as "createdAtMs",
  last_seen_at_ms::float8 as "lastSeenAtMs", factors`;
