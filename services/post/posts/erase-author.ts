import type { Database, Statement } from '#kit/db/database.ts';
import { insertEvents, type Outbox } from '#kit/events/outbox/outbox.ts';
import { type PostRow, postColumns } from '../entities/post-entity.ts';
import { postDeleted } from '../events.ts';
import { erasedEventPost } from './post-message.ts';
import type { PublishedPosts } from './published-posts.ts';

/** Of one transaction: each post is an event. */
const BATCH_POSTS = 200;
/** Rows of other tables that one statement deletes. */
const BATCH_ROWS = 5_000;

const ERASE_POSTS = {
  name: 'erase-posts',
  text: `with gone as (
      delete from posts where id in (select id from posts where author_id = $1 limit ${BATCH_POSTS}) returning *)
    select ${postColumns('gone')} from gone`,
};
const rowsOf = (name: string, table: string, column: string): Statement => ({
  name,
  text: `delete from ${table} where ctid in (select ctid from ${table} where ${column} = $1 limit ${BATCH_ROWS}) returning 1`,
});
/** What is left of a user besides posts: answers that would be replayed, and ids of posts that were deleted before. */
const ERASE_REST = [
  rowsOf('erase-idempotency-keys', 'idempotency_keys', 'caller_id'),
  rowsOf('erase-deleted-posts', 'deleted_posts', 'author_id'),
];

/**
 * Erases all posts of a user, as if each had been deleted. A kill leaves whole batches done; the next call goes on.
 * @param call.working is called after each batch
 */
export type EraseAuthor = (userId: string, call: { requestId: string; working: () => void }) => Promise<void>;

export function createEraseAuthor(dependencies: {
  db: Database;
  outbox: Outbox;
  publishedPosts: Pick<PublishedPosts, 'deleted'>;
}): EraseAuthor {
  const { db, outbox, publishedPosts } = dependencies;

  /** @returns how many posts it erased */
  async function eraseBatch(userId: string, context: { requestId: string }): Promise<number> {
    const erased = await outbox.commit(
      [],
      (add) =>
        db.transaction(async (tx) => {
          const rows = await tx.query<PostRow>(ERASE_POSTS, [userId]);
          const events = rows.map((row) => add(outbox.row(postDeleted, { post: erasedEventPost(row) }, context)));
          await insertEvents(tx, events);
          return rows.map((row, index) => ({ row, version: events[index]?.version ?? row.version }));
        }),
      (deleted) => Promise.all(deleted.map(({ row, version }) => publishedPosts.deleted(row, version))),
    );
    return erased.length;
  }

  return async (userId, { requestId, working }) => {
    while ((await eraseBatch(userId, { requestId })) > 0) working();
    for (const statement of ERASE_REST) {
      while ((await db.query(statement, [userId])).length > 0) working();
    }
  };
}
