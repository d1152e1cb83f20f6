import { z } from 'zod';
import type { ListPostsByAuthorsRequest, ListPostsByAuthorsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { START } from '#kit/page-token.ts';
import { ids, validate } from '#kit/validate.ts';
import { type PostPlace, postPlaceColumns } from '../entities/post-entity.ts';
import { postPosition } from '../posts/post-input.ts';
import { FOR_FOLLOWERS } from '../posts/visibility.ts';

const MAX_AUTHORS = 10_001;

const input = z.object({
  authorIds: ids({ max: MAX_AUTHORS }),
  before: postPosition().optional(),
  pageSize: z.number().int().min(1, 'must be 1 to 1000').max(1_000, 'must be 1 to 1000'),
});

const SEEN = `visibility in (${FOR_FOLLOWERS.join(', ')})`;

/**
 * Reads only the index. First the newest few of each author (`heads`). The page ends at or after the time of as many of them
 * as it holds (`floor`), so only of an author whose few are all newer than that, more is read. Without the floor, each author
 * would give a whole page.
 */
export const POSTS_BY_AUTHORS = {
  name: 'posts-by-authors',
  text: `with heads as materialized (
      select authors.author_id, head.* from unnest($1::uuid[]) as authors (author_id) cross join lateral (
        select id, published_at_ms, row_number() over (order by published_at_ms desc, id desc) as place from posts
        where posts.author_id = authors.author_id and (published_at_ms, id) < ($2, $3) and ${SEEN}
        order by published_at_ms desc, id desc limit $5) head),
    floor as materialized (
      select coalesce((select published_at_ms from heads order by published_at_ms desc offset $4 - 1 limit 1), 0) as at_ms),
    newest as (
      select id, author_id, published_at_ms from heads where published_at_ms >= (select at_ms from floor)
      union all
      select more.id, heads.author_id, more.published_at_ms from heads cross join lateral (
        select id, published_at_ms from posts
        where posts.author_id = heads.author_id and (published_at_ms, id) < (heads.published_at_ms, heads.id)
          and published_at_ms >= (select at_ms from floor) and ${SEEN}
        order by published_at_ms desc, id desc limit $4) more
      where heads.place = $5 and heads.published_at_ms >= (select at_ms from floor))
    select ${postPlaceColumns('newest')} from newest
    order by newest.published_at_ms desc, id desc limit $4`,
};

/** How many of each author are looked at first: few when there are many authors. */
function headsPerAuthor(pageSize: number, authors: number): number {
  return Math.min(pageSize, 1 + Math.ceil((2 * pageSize) / authors));
}

/** The newest posts of these authors that followers may see, by id and time. @throws OxoError VALIDATION_FAILED */
export function listPostsByAuthors({ db }: { db: Queryable }) {
  return async (request: ListPostsByAuthorsRequest): Promise<ListPostsByAuthorsResponse> => {
    const { authorIds, before = START, pageSize } = validate(input, request);
    const authors = [...new Set(authorIds)];
    if (authors.length === 0) return { posts: [] };
    // Ids need no quoting in an array, and the driver's own way of writing one is slow for thousands.
    const rows = await db.query<PostPlace>(POSTS_BY_AUTHORS, [
      `{${authors.join(',')}}`,
      before.atMs,
      before.id,
      pageSize,
      headsPerAuthor(pageSize, authors.length),
    ]);
    return { posts: rows.map((row) => ({ ...row, publishedAtMs: BigInt(row.publishedAtMs) })) };
  };
}
