import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { Entity } from '#gen/oxo/post/v1/post.ts';

/** A text that a post has had; the present one stands in the post itself. */
export const PostRevisionEntity = defineEntity({
  name: 'PostRevision',
  tableName: 'post_revisions',
  properties: {
    postId: p.uuid().primary(),
    /** From 1, the text with which the post was published. */
    number: p.smallint().primary(),
    text: p.text(),
    entities: p.json<Entity[]>().nullable(),
    /** Milliseconds since the epoch: when the text after it was published. */
    replacedAtMs: p.bigint('number'),
  },
});

/** A row of the table post_revisions. */
export type PostRevisionRow = InferEntity<typeof PostRevisionEntity>;
