import { type Clock, DAY_MS } from '#kit/clock.ts';
import { cleanUp, defineCleanUp } from '#kit/db/clean-up.ts';
import type { Queryable } from '#kit/db/database.ts';

const KEEP_MS = DAY_MS;

const FIND = {
  name: 'deleted-post-find',
  text: 'select 1 from deleted_posts where id = $1 and author_id = $2',
};
const CLEAN_UP = defineCleanUp({
  name: 'deleted-posts-clean-up',
  table: 'deleted_posts',
  where: 'deleted_at_ms < $1',
});

/** The ids of posts that were deleted within a day: a repeated delete is told from one of a post that never existed. */
export interface DeletedPosts {
  /** Whether this author has deleted the post. */
  has(id: string, authorId: string): Promise<boolean>;
  /** Forgets those that are older than a day, in short statements. @returns how many */
  cleanUp(): Promise<number>;
}

export function createDeletedPosts(db: Queryable, clock: Clock): DeletedPosts {
  return {
    async has(id, authorId) {
      return (await db.query(FIND, [id, authorId])).length > 0;
    },
    cleanUp: () => cleanUp(db, CLEAN_UP, [clock.nowMs() - KEEP_MS]),
  };
}
