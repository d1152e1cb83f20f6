import { defineEntity, p } from '@mikro-orm/core';

/** A form or a step of a sign-in that was used up. */
export const UsedTokenEntity = defineEntity({
  name: 'UsedToken',
  tableName: 'used_tokens',
  properties: {
    id: p.uuid().primary(),
    /** When it would not count any more in any case, and the row goes. */
    expiresAtMs: p.bigint('number'),
  },
});
