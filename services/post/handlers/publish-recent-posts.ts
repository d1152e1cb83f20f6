import { z } from 'zod';
import type { PublishRecentPostsRequest, PublishRecentPostsResponse } from '#gen/oxo/post/v1/post_internal_service.ts';
import { ids, validate } from '#kit/validate.ts';
import type { RecentPosts } from '../posts/recent-posts.ts';

const input = z.object({ authorIds: ids({ min: 1, max: 100 }) });

/**
 * Puts `recent:{author}` into Redis where a reader missed it.
 * @throws OxoError VALIDATION_FAILED, UNAVAILABLE when Redis is away
 */
export function publishRecentPosts({ recentPosts }: { recentPosts: Pick<RecentPosts, 'publish'> }) {
  return async (request: PublishRecentPostsRequest): Promise<PublishRecentPostsResponse> => {
    await recentPosts.publish(validate(input, request).authorIds);
    return {};
  };
}
