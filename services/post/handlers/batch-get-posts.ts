import { z } from 'zod';
import type { BatchGetPostsRequest, BatchGetPostsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { ids, validate } from '#kit/validate.ts';
import { findPosts } from '../posts/find-posts.ts';
import { postMessage } from '../posts/post-message.ts';
import type { PublishedPosts } from '../posts/published-posts.ts';
import type { Visibility } from '../posts/visibility.ts';

const input = z.object({ ids: ids({ min: 1, max: 200 }) });

export interface BatchGetPostsDependencies {
  db: Queryable;
  publishedPosts: PublishedPosts;
  visibility: Visibility;
}

/** Those of the posts that the caller may see; the others are left out. @throws OxoError VALIDATION_FAILED */
export function batchGetPosts({ db, publishedPosts, visibility }: BatchGetPostsDependencies) {
  return async (request: BatchGetPostsRequest, context: CallContext): Promise<BatchGetPostsResponse> => {
    const { ids } = validate(input, request);
    const rows = await findPosts(db, ids);
    // Who asks did not find them in the read model.
    publishedPosts.refill(rows);
    const visible = await visibility.filter(rows, context);
    return { posts: visible.map(({ row, author }) => postMessage(row, author)) };
  };
}
