import { defineEntity, p } from '@mikro-orm/core';

/** One part of a user's number of followers; see graph/follow-statements.ts for why it is in parts. */
export const FollowerCountEntity = defineEntity({
  name: 'FollowerCount',
  tableName: 'follower_counts',
  properties: {
    userId: p.uuid().primary(),
    slot: p.smallint().primary(),
    followers: p.integer(),
  },
});
