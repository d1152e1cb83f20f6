import { defineEntity, type InferEntity, p } from '@mikro-orm/core';

export const PostEntity = defineEntity({
  name: 'Post',
  tableName: 'posts',
  properties: {
    id: p.uuid().primary(),
    authorId: p.uuid(),
    text: p.text(),
    /** Number of Post.Visibility. */
    visibility: p.smallint(),
    /** Milliseconds since the epoch: feeds and lists are ordered by it, then by id. */
    publishedAtMs: p.bigint('number'),
    editedAtMs: p.bigint('number').nullable(),
    /** Outbox id of the last event about this post. */
    version: p.bigint('number'),
  },
  indexes: [{ properties: ['authorId', 'publishedAtMs', 'id'] }],
});

export type PostRow = InferEntity<typeof PostEntity>;
