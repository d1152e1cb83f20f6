import { defineEntity, p } from '@mikro-orm/core';

/** What a key is proved by. While it is being rotated it has several. */
export const ApiKeySecretEntity = defineEntity({
  name: 'ApiKeySecret',
  tableName: 'api_key_secrets',
  properties: {
    keyId: p.uuid().primary(),
    generation: p.integer().primary(),
    /** Argon2id. */
    hash: p.text(),
    /** Null for the newest: it ends with its key. */
    expiresAtMs: p.bigint('number').nullable(),
  },
});
