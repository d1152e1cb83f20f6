import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export const ApiKeyEntity = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.uuid().primary(),
    accountId: p.uuid(),
    name: p.text(),
    scopes: p.array(),
    /** Of its newest secret. */
    generation: p.integer(),
    createdAtMs: p.bigint('number'),
    expiresAtMs: p.bigint('number'),
    /** To the minute. */
    lastUsedAtMs: p.bigint('number').nullable(),
    rotatedAtMs: p.bigint('number').nullable(),
    /** Its owner revoked it: it is worth nothing, the row only tells that it was theirs. */
    revokedAtMs: p.bigint('number').nullable(),
  },
});

/** A row of the table api_keys. */
export type ApiKeyRow = InferEntity<typeof ApiKeyEntity>;
