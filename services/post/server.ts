import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import type { Idempotency } from '#kit/db/idempotency.ts';
import type { Outbox } from '#kit/events/outbox.ts';
import type { Logger } from '#kit/logger.ts';
import type { Redis } from '#kit/redis/redis.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import {
  batchGetPosts,
  createPost,
  deletePost,
  getPost,
  listPostsByAuthors,
  listUserPosts,
  updatePost,
} from './handlers/index.ts';
import { createAuthors } from './posts/authors.ts';
import type { DeletedPosts } from './posts/deleted-posts.ts';
import { createInsertPost } from './posts/insert-post.ts';
import type { PublishedPosts } from './posts/published-posts.ts';
import { createVisibility } from './posts/visibility.ts';

export interface PostServiceDependencies {
  db: Database;
  redis: Redis;
  outbox: Outbox;
  idempotency: Idempotency;
  publishedPosts: PublishedPosts;
  deletedPosts: DeletedPosts;
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
  logger: Logger;
}

/** The one place where the handlers of this service get what they use. */
export function addPostServices(server: RpcServer, dependencies: PostServiceDependencies): void {
  const { db, redis, outbox, idempotency, publishedPosts, deletedPosts, users, clock, logger } = dependencies;
  const authors = createAuthors(redis, users, logger);
  const visibility = createVisibility(users);

  server.add(PostServiceDefinition, {
    createPost: createPost({ idempotency, insertPost: createInsertPost(db), outbox, publishedPosts, authors, clock }),
    getPost: getPost({ db, visibility, authors }),
    updatePost: updatePost({ db, outbox, publishedPosts, visibility, authors, clock }),
    deletePost: deletePost({ db, outbox, publishedPosts, deletedPosts, visibility, clock }),
    listUserPosts: listUserPosts({ db, visibility, authors }),
  });
  server.add(PostInternalServiceDefinition, {
    batchGetPosts: batchGetPosts({ db, publishedPosts, visibility, authors, logger }),
    listPostsByAuthors: listPostsByAuthors({ db }),
  });
}
