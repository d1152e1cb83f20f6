import { defineEntity, p } from '@mikro-orm/core';

/** A service has said that it holds nothing of a deleted user any more. */
export const ErasureConfirmationEntity = defineEntity({
  name: 'ErasureConfirmation',
  tableName: 'erasure_confirmations',
  properties: {
    userId: p.uuid().primary(),
    service: p.text().primary(),
    /** Milliseconds since the epoch. */
    erasedAtMs: p.bigint('number'),
  },
});
