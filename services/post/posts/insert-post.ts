import type { Queryable } from '#kit/db/database.ts';
import { groupWrites } from '#kit/db/grouped-writes.ts';
import { hasReason } from '#kit/errors.ts';
import type { OutboxRow } from '#kit/events/outbox/outbox.ts';
import type { PostRow } from '../entities/post-entity.ts';

/**
 * New posts and their events, in one statement: one round trip and one commit for all that come together. The rows come as JSON, which costs
 * both ends less than arrays. Value: the rows.
 */
const INSERT = {
  name: 'post-insert',
  text: `with input as (
      select * from json_to_recordset($1::json) as input (
        id uuid, author_id uuid, text text, visibility smallint, published_at_ms bigint, entities jsonb,
        pulled boolean,
        event_id uuid, subject text, payload text, headers jsonb)),
    event as (
      insert into outbox (event_id, subject, payload, headers)
      select event_id, subject, decode(payload, 'base64'), headers from input
      returning id, event_id)
    insert into posts (id, author_id, text, visibility, published_at_ms, entities, pulled, version)
      select input.id, author_id, text, visibility, published_at_ms, entities, pulled, event.id from input join event using (event_id)
    returning id, version::float8`,
};

interface NewPost {
  row: PostRow;
  event: OutboxRow;
}

/**
 * Writes a post and its event, and puts their version into both.
 * @param on a transaction, or the database itself: there, posts that come together are one statement
 */
export type InsertPost = (post: NewPost, on: Queryable) => Promise<void>;

export function createInsertPost(db: Queryable): InsertPost {
  const insert = groupWrites<NewPost, number>({
    writeAll: (posts) => insertAll(db, posts),
    // A database that is away is away for each of them.
    isWorthSplitting: (error) => !hasReason(error, 'UNAVAILABLE'),
  });
  return async (post, on) => {
    const version = on === db ? await insert(post) : (await insertAll(on, [post]))[0];
    if (version === undefined) throw new Error('A post was written without a version.');
    post.row.version = version;
    post.event.version = version;
  };
}

/** @returns the versions, in the order of the posts */
async function insertAll(db: Queryable, posts: readonly NewPost[]): Promise<number[]> {
  const inserted = await db.query<{ id: string; version: number }>(INSERT, [JSON.stringify(posts.map(toInput))]);
  const versions = new Map(inserted.map(({ id, version }) => [id, version]));
  return posts.flatMap(({ row }) => versions.get(row.id) ?? []);
}

function toInput({ row, event }: NewPost): object {
  return {
    id: row.id,
    author_id: row.authorId,
    text: row.text,
    visibility: row.visibility,
    published_at_ms: row.publishedAtMs,
    entities: row.entities,
    pulled: row.pulled,
    event_id: event.eventId,
    subject: event.subject,
    payload: event.payload.toString('base64'),
    headers: event.headers,
  };
}
