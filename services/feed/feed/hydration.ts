import { Post } from '#gen/oxo/post/v1/post.ts';
import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { type Found, parseRecord } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import type { TimelineEntry } from '#kit/redis/timeline.ts';
import { asService, onBehalfOf, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { FeedMetrics } from './metrics.ts';

/** A post and its author as they are encoded now. */
export interface Hydrated {
  entry: TimelineEntry;
  /** oxo.post.v1.Post without its author. */
  post: Uint8Array;
  /** oxo.user.v1.UserSummary. */
  author: Uint8Array;
}

export interface Hydrator {
  /**
   * The posts of these entries that still exist, in their order, and the entries whose posts are gone. Warm, it is one round
   * trip to Redis and no RPC.
   */
  hydrate(
    entries: readonly TimelineEntry[],
    context: CallContext,
  ): Promise<{ found: Hydrated[]; gone: TimelineEntry[] }>;
}

export interface HydratorDependencies {
  redis: Redis;
  posts: RpcClient<PostInternalServiceDefinition>;
  users: RpcClient<UserInternalServiceDefinition>;
  metrics: Pick<FeedMetrics, 'hydratedPosts' | 'hydratedAuthors'>;
  logger: Logger;
}

export function createHydrator({ redis, posts, users, metrics, logger }: HydratorDependencies): Hydrator {
  const warn = warnSeldom(logger);

  async function readRecords(postIds: readonly string[], authorIds: readonly string[]): Promise<Found[]> {
    try {
      const postKeys = postIds.map((id) => redis.key('post', id));
      const authorKeys = authorIds.map((id) => redis.key('profile', id));
      return (await redis.getMany([...postKeys, ...authorKeys])).map(parseRecord);
    } catch (error) {
      warn({ err: error }, 'read models cannot be read; the services answer');
      return Array.from({ length: postIds.length + authorIds.length }, () => undefined);
    }
  }

  /** The post service alone decides who may see what it has not published. */
  async function fetchPosts(ids: string[], context: CallContext): Promise<Map<string, Found>> {
    if (ids.length === 0) return new Map();
    const response = await posts.batchGetPosts({ ids }, onBehalfOf(context));
    return new Map(
      response.posts.map((post) => [post.id, Buffer.from(Post.encode({ ...post, author: undefined }).finish())]),
    );
  }

  async function fetchAuthors(ids: string[], context: CallContext): Promise<Map<string, Found>> {
    if (ids.length === 0) return new Map();
    const response = await users.batchGetUsers({ ids }, asService(context));
    return new Map(response.users.map((user) => [user.id, Buffer.from(UserSummary.encode(user).finish())]));
  }

  return {
    async hydrate(entries, context) {
      const postIds = entries.map((entry) => entry.id);
      const authorIds = [...new Set(entries.map((entry) => entry.ownerId))];
      const records = await readRecords(postIds, authorIds);
      const postById = new Map(postIds.map((id, index) => [id, records[index]]));
      const authorById = new Map(authorIds.map((id, index) => [id, records[postIds.length + index]]));
      const missingPostIds = postIds.filter((id) => postById.get(id) === undefined);
      const missingAuthorIds = authorIds.filter((id) => authorById.get(id) === undefined);
      metrics.hydratedPosts(postIds.length - missingPostIds.length, missingPostIds.length);
      metrics.hydratedAuthors(authorIds.length - missingAuthorIds.length, missingAuthorIds.length);
      const [missingPosts, missingAuthors] = await Promise.all([
        fetchPosts(missingPostIds, context),
        fetchAuthors(missingAuthorIds, context),
      ]);
      const found: Hydrated[] = [];
      const gone: TimelineEntry[] = [];
      for (const entry of entries) {
        const post = postById.get(entry.id) ?? missingPosts.get(entry.id);
        const author = authorById.get(entry.ownerId) ?? missingAuthors.get(entry.ownerId);
        if (post instanceof Buffer && author instanceof Buffer) found.push({ entry, post, author });
        else gone.push(entry);
      }
      return { found, gone };
    },
  };
}
