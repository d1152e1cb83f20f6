import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { createIdempotency } from '#kit/db/idempotency.ts';
import type { Outbox } from '#kit/events/outbox.ts';
import type { Logger } from '#kit/logger.ts';
import type { Redis } from '#kit/redis/redis.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import { createPost } from './handlers/create-post.ts';
import { createAuthors } from './posts/authors.ts';
import type { PublishedPosts } from './posts/published-posts.ts';

export interface PostServiceDependencies {
  db: Database;
  redis: Redis;
  outbox: Outbox;
  publishedPosts: PublishedPosts;
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
  logger: Logger;
}

/** The one place where the handlers of this service get what they use. */
export function addPostServices(server: RpcServer, dependencies: PostServiceDependencies): void {
  const { db, redis, outbox, publishedPosts, users, clock, logger } = dependencies;
  const idempotency = createIdempotency(db, clock);
  const authors = createAuthors(redis, users, logger);

  server.add(PostServiceDefinition, {
    createPost: createPost({ idempotency, outbox, publishedPosts, authors, clock }),
  });
  server.add(PostInternalServiceDefinition, {});
}
