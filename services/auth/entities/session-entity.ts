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
  },
});

/** A row of the table sessions. */
export type SessionRow = InferEntity<typeof SessionEntity>;
