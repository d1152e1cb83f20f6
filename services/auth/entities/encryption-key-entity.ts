import { defineEntity, p } from '@mikro-orm/core';

export const EncryptionKeyEntity = defineEntity({
  name: 'EncryptionKey',
  tableName: 'encryption_keys',
  properties: {
    /** By which the key vault names it. The key itself is never in the database. */
    keyId: p.text().primary(),
    /** When it was first seen to be the one that encrypts. */
    firstUsedAtMs: p.bigint('number'),
  },
});
