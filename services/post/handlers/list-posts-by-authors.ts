import { z } from 'zod';
import type { ListPostsByAuthorsRequest, ListPostsByAuthorsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { id, ids, validate } from '#kit/validate.ts';
import { START } from '../posts/positions.ts';

const MAX_AUTHORS = 10_001;

const input = z.object({
  authorIds: ids({ max: MAX_AUTHORS }),
  before: z
    .object({ publishedAtMs: z.bigint().nonnegative(), id: id() })
    .transform(({ publishedAtMs, id }) => ({ atMs: Number(publishedAtMs), id }))
    .optional(),
  pageSize: z.number().int().min(1, 'must be 1 to 1000').max(1_000, 'must be 1 to 1000'),
});

/**
 * Reads only the index. First the newest few of each author: the page ends at or after the last of as many as it holds of them
 * (`floor`). Then of each author what is not older than that. Without the floor, each author would give a whole page.
 */
const LIST = {
  name: 'posts-by-authors',
  text: `with authors as materialized (select unnest($1::uuid[]) as author_id),
    heads as materialized (
      select head.published_at_ms from authors cross join lateral (
        select published_at_ms from posts
        where posts.author_id = authors.author_id and (published_at_ms, id) < ($2, $3)
        order by published_at_ms desc, id desc limit $5) head),
    floor as materialized (
      select coalesce((select published_at_ms from heads order by published_at_ms desc offset $4 - 1 limit 1), 0) as at_ms)
    select found.id, authors.author_id, found.published_at_ms::float8
    from authors cross join lateral (
      select id, published_at_ms from posts
      where posts.author_id = authors.author_id and (published_at_ms, id) < ($2, $3)
        and published_at_ms >= (select at_ms from floor)
      order by published_at_ms desc, id desc limit $4) found
    order by found.published_at_ms desc, found.id desc limit $4`,
};

/** How many of each author are looked at first: few when there are many authors. */
function headsPerAuthor(pageSize: number, authors: number): number {
  return Math.min(pageSize, 1 + Math.ceil((2 * pageSize) / authors));
}

interface RefRow {
  id: string;
  author_id: string;
  published_at_ms: number;
}

export function listPostsByAuthors({ db }: { db: Queryable }) {
  return async (request: ListPostsByAuthorsRequest): Promise<ListPostsByAuthorsResponse> => {
    const { authorIds, before = START, pageSize } = validate(input, request);
    const authors = [...new Set(authorIds)];
    if (authors.length === 0) return { posts: [] };
    // Ids need no quoting in an array, and the driver's own way of writing one is slow for thousands.
    const rows = await db.query<RefRow>(LIST, [
      `{${authors.join(',')}}`,
      before.atMs,
      before.id,
      pageSize,
      headsPerAuthor(pageSize, authors.length),
    ]);
    const posts = rows.map((row) => ({
      id: row.id,
      authorId: row.author_id,
      publishedAtMs: BigInt(row.published_at_ms),
    }));
    return { posts };
  };
}
