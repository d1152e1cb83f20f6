import { defineEntity, p } from '@mikro-orm/core';

/** A handle that a deleted user had: nobody gets it again. */
export const RetiredHandleEntity = defineEntity({
  name: 'RetiredHandle',
  tableName: 'retired_handles',
  properties: {
    /** SHA-256: who reads the table finds no names in it. */
    handleHash: p.blob().primary(),
    /** Milliseconds since the epoch. */
    retiredAtMs: p.bigint('number'),
  },
});
