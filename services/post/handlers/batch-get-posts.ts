import { z } from 'zod';
import type { BatchGetPostsRequest, BatchGetPostsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { Logger } from '#kit/logger.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import { id, validate } from '#kit/validate.ts';
import type { Authors } from '../posts/authors.ts';
import { findPosts } from '../posts/find-posts.ts';
import { postMessage } from '../posts/post-message.ts';
import type { PublishedPosts } from '../posts/published-posts.ts';
import type { Visibility } from '../posts/visibility.ts';

const input = z.object({ ids: z.array(id()).min(1, 'must not be empty').max(200, 'must be at most 200') });

export interface BatchGetPostsDependencies {
  db: Queryable;
  publishedPosts: PublishedPosts;
  visibility: Visibility;
  authors: Authors;
  logger: Logger;
}

export function batchGetPosts({ db, publishedPosts, visibility, authors, logger }: BatchGetPostsDependencies) {
  return async (request: BatchGetPostsRequest, context: CallContext): Promise<BatchGetPostsResponse> => {
    const { ids } = validate(input, request);
    const rows = await findPosts(db, ids);
    // Whoever asks has missed them in the read model. The answer does not wait for it to be filled.
    Promise.all(rows.map((row) => publishedPosts.changed(row))).catch((error: unknown) =>
      logger.debug({ err: error }, 'the read model was not filled'),
    );
    const visible = await visibility.filter(rows, context);
    const found = await authors.find(
      visible.map((row) => row.authorId),
      context,
    );
    return { posts: visible.map((row) => postMessage(row, found.get(row.authorId))) };
  };
}
