import { defineEntity, p } from '@mikro-orm/core';

export const UserEntity = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    /** In lower case. */
    handle: p.text().unique(),
    displayName: p.text(),
    bio: p.text(),
    links: p.array(),
    location: p.text(),
    locale: p.text(),
    followingCount: p.integer(),
    /** Milliseconds since the epoch. */
    createdAtMs: p.bigint('number'),
    /** Outbox id of the last event about this profile. Follows do not change it. */
    version: p.bigint('number'),
  },
});
