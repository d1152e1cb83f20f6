import { defineEntity, p } from '@mikro-orm/core';

export const FollowEntity = defineEntity({
  name: 'Follow',
  tableName: 'follows',
  properties: {
    followerId: p.uuid().primary(),
    followeeId: p.uuid().primary(),
    /** Milliseconds since the epoch. */
    createdAtMs: p.bigint('number'),
    /** Outbox id of the event user.followed. */
    version: p.bigint('number'),
  },
});
