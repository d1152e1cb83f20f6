import type { Queryable } from '#kit/db/database.ts';
import { type PostRow, postColumns } from '../entities/post-entity.ts';

const FIND = { name: 'post-find', text: `select ${postColumns()} from posts where id = $1` };
const FIND_MANY = { name: 'post-find-many', text: `select ${postColumns()} from posts where id = any($1)` };

/** The post with this id, whoever may see it; see `Visibility`. */
export async function findPost(db: Queryable, id: string): Promise<PostRow | undefined> {
  const [row] = await db.query<PostRow>(FIND, [id]);
  return row;
}

/** The posts with these ids that exist, in no particular order, whoever may see them. */
export function findPosts(db: Queryable, ids: readonly string[]): Promise<PostRow[]> {
  return db.query<PostRow>(FIND_MANY, [ids]);
}
