import { defineEntity, p } from '@mikro-orm/core';

export const DataKeyEntity = defineEntity({
  name: 'DataKey',
  tableName: 'data_keys',
  properties: {
    id: p.uuid().primary(),
    /** Encrypted by the key vault. */
    key: p.blob(),
    createdAtMs: p.bigint('number'),
  },
});
