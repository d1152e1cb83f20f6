import { z } from 'zod';
import { Post_Visibility } from '#gen/oxo/post/v1/post.ts';
import type { ListPublicPostsRequest, ListPublicPostsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import { START } from '#kit/page-token.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { validate } from '#kit/validate.ts';
import { type PostRow, postColumns } from '../entities/post-entity.ts';
import type { Authors } from '../posts/authors.ts';
import { postPosition } from '../posts/post-input.ts';
import { postMessage } from '../posts/post-message.ts';

const input = z.object({
  before: postPosition().optional(),
  pageSize: z.number().int().min(1, 'must be 1 to 101').max(101, 'must be 1 to 101'),
});

/** Reads as many entries of the index of public posts as are asked for. */
export const LIST = {
  name: 'posts-public',
  text: `select ${postColumns()} from posts
    where visibility = ${Post_Visibility.PUBLIC} and (published_at_ms, id) < ($1, $2)
    order by published_at_ms desc, id desc limit $3`,
};

/**
 * The newest posts that are public; the author is missing where there is none any more.
 * @throws OxoError VALIDATION_FAILED
 */
export function listPublicPosts({ db, authors }: { db: Queryable; authors: Pick<Authors, 'find'> }) {
  return async (request: ListPublicPostsRequest, context: CallContext): Promise<ListPublicPostsResponse> => {
    const { before = START, pageSize } = validate(input, request);
    const rows = await db.query<PostRow>(LIST, [before.atMs, before.id, pageSize]);
    const found = await authors.find(
      rows.map((row) => row.authorId),
      context,
    );
    return { posts: rows.map((row) => postMessage(row, found.get(row.authorId))) };
  };
}
