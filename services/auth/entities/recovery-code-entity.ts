import { defineEntity, p } from '@mikro-orm/core';

/** A recovery code that was not used yet. */
export const RecoveryCodeEntity = defineEntity({
  name: 'RecoveryCode',
  tableName: 'recovery_codes',
  properties: {
    accountId: p.uuid().primary(),
    /** SHA-256. */
    codeHash: p.blob().primary(),
  },
});
