import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { Entity, Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import type { TimelineEntry } from '#kit/redis/timeline.ts';

export const PostEntity = defineEntity({
  name: 'Post',
  tableName: 'posts',
  properties: {
    id: p.uuid().primary(),
    authorId: p.uuid(),
    text: p.text(),
    visibility: p.smallint().$type<Post_Visibility>(),
    /** Milliseconds since the epoch: feeds and lists are ordered by it, then by id. */
    publishedAtMs: p.bigint('number'),
    editedAtMs: p.bigint('number').nullable(),
    /** What the text names; null when nothing, as of posts from before they were looked for. */
    entities: p.json<Entity[]>().nullable(),
    /** Its followers look for it in `recent:{author}`; decided when it was written, and never again. */
    pulled: p.boolean(),
    /** Outbox id of the last event about this post. */
    version: p.bigint('number'),
  },
});

/** A row of the table posts, whether a unit of work or a statement has read it. */
export type PostRow = InferEntity<typeof PostEntity>;

/**
 * The columns of a PostRow, for statements. Numbers of 64 bits become JavaScript numbers.
 * @param posts what the statement calls the table; a join needs another name than a plain read
 */
export const postColumns = (posts = 'posts') => `${postPlaceColumns(posts)}, ${posts}.text, ${posts}.visibility,
  ${posts}.edited_at_ms::float8 as "editedAtMs", ${posts}.entities, ${posts}.pulled, ${posts}.version::float8`;

/** What identifies a post and its place among its author's. */
export type PostPlace = Pick<PostRow, 'id' | 'authorId' | 'publishedAtMs'>;

/** The columns of a PostPlace, as `postColumns`. */
export const postPlaceColumns = (posts = 'posts') =>
  `${posts}.id, ${posts}.author_id as "authorId", ${posts}.published_at_ms::float8 as "publishedAtMs"`;

/** The post's place in the timelines that Redis holds. */
export function timelineEntry({ id, authorId, publishedAtMs }: PostPlace): TimelineEntry {
  return { atMs: publishedAtMs, id, ownerId: authorId };
}
