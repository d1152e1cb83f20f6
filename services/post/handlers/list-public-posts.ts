import { z } from 'zod';
import type { Post } from '#gen/oxo/post/v1/post.ts';
import type { ListPublicPostsRequest, ListPublicPostsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { type Position, START } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import type { PostRow } from '../entities/post-entity.ts';
import type { Authors } from '../posts/authors.ts';
import { postPosition } from '../posts/post-input.ts';
import { postMessage } from '../posts/post-message.ts';
import { PASS_OVER, type PassedOver, PLACES_AT_ONCE, PUBLIC_POSTS } from '../posts/public-posts.ts';

const input = z.object({
  before: postPosition().optional(),
  pageSize: z.number().int().min(1, 'must be 1 to 101').max(101, 'must be 1 to 101'),
});

/** Looks past the posts of authors who are gone: at most so often, each time at most `PLACES_AT_ONCE`. */
export const MAX_LOOKS = 2;

export interface ListPublicPostsDependencies {
  db: Queryable;
  authors: Pick<Authors, 'find'>;
}

/**
 * The newest posts that are public, without those of authors who are gone.
 * @throws OxoError VALIDATION_FAILED
 */
export function listPublicPosts({ db, authors }: ListPublicPostsDependencies) {
  return async (request: ListPublicPostsRequest, context: CallContext): Promise<ListPublicPostsResponse> => {
    const { before = START, pageSize } = validate(input, request);
    const posts: Post[] = [];
    /** Deleted, and their posts wait to be erased. */
    const gone = new Set<string>();

    async function take(rows: readonly PostRow[]): Promise<void> {
      const ids = rows.map((row) => row.authorId);
      const found = await authors.find(ids, context);
      for (const row of rows) {
        const author = found.get(row.authorId);
        if (author === undefined) gone.add(row.authorId);
        else posts.push(postMessage(row, author));
      }
    }

    const rows = await db.query<PostRow>(PUBLIC_POSTS, [before.atMs, before.id, pageSize]);
    await take(rows);
    let place = rows.length === pageSize ? placeOf(rows) : undefined;
    for (let look = 0; look < MAX_LOOKS && place !== undefined && posts.length < pageSize; look += 1) {
      const wanted = pageSize - posts.length;
      const [passed] = await db.query<PassedOver>(PASS_OVER, [place.atMs, place.id, wanted, [...gone]]);
      if (passed === undefined) return { posts, next: undefined };
      const more = passed.rows ?? [];
      await take(more);
      if (more.length === wanted) place = placeOf(more);
      else place = passed.looked < PLACES_AT_ONCE ? undefined : { atMs: passed.lastAtMs, id: passed.lastId };
    }
    if (place === undefined || posts.length === pageSize) return { posts, next: undefined };
    return { posts, next: { publishedAtMs: BigInt(place.atMs), id: place.id } };
  };
}

function placeOf(rows: readonly PostRow[]): Position | undefined {
  const last = rows.at(-1);
  return last && { atMs: last.publishedAtMs, id: last.id };
}
