import type { Queryable, Transaction } from '#kit/db/database.ts';
import { OxoError } from '#kit/errors.ts';
import type { PostRow } from '../entities/post-entity.ts';
import type { PostRevisionRow } from '../entities/post-revision-entity.ts';

/** How often the text of a post can be changed. */
const MAX_EDITS = 100;

/** The text as the table still has it. Nobody else numbers at the same time: the post is locked. */
const KEEP = {
  name: 'post-revision-keep',
  text: `insert into post_revisions (post_id, number, text, entities, replaced_at_ms)
    select id, edits + 1, text, entities, $2 from posts,
      lateral (select count(*) as edits from post_revisions where post_id = posts.id)
    where id = $1 and edits < $3 returning number`,
};

/** A text was published when the one before it was replaced, the first with the post itself. Values: the post, the number before, rows. */
export const REVISIONS = {
  name: 'post-revisions-list',
  text: `select * from (
      select number, revision.text, revision.entities,
        coalesce(lag(replaced_at_ms) over (order by number), published_at_ms)::float8 as "createdAtMs"
      from posts, lateral (
        select number, text, entities, replaced_at_ms from post_revisions where post_id = posts.id
        union all
        select (select count(*)::integer + 1 from post_revisions where post_id = posts.id), posts.text, posts.entities, null
      ) revision where posts.id = $1) revisions
    where number < $2::bigint order by number desc limit $3`,
};

/** A text of a post, and when it was published. */
export interface Revision extends Pick<PostRevisionRow, 'number' | 'text' | 'entities'> {
  /** Milliseconds since the epoch. */
  createdAtMs: number;
}

/**
 * Keeps the present text of a post, before it is replaced. The post is locked, and its change is not written yet.
 * @throws OxoError EDIT_LIMIT_REACHED when it was changed as often as may be
 */
export async function keepRevision(tx: Transaction, { id }: Pick<PostRow, 'id'>, nowMs: number): Promise<void> {
  const kept = await tx.query(KEEP, [id, nowMs, MAX_EDITS]);
  if (kept.length === 0) {
    throw new OxoError('EDIT_LIMIT_REACHED', `The text of a post can be changed ${MAX_EDITS} times.`);
  }
}

/**
 * The texts of a post, newest first, whoever may see them; none when there is no such post.
 * @param beforeNumber only those with a smaller number
 */
export function findRevisions(db: Queryable, id: string, beforeNumber: number, limit: number): Promise<Revision[]> {
  return db.query<Revision>(REVISIONS, [id, beforeNumber, limit]);
}
