import { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { PostServiceDefinition } from '#gen/oxo/post/v1/post_service.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { type Clock, HOUR_MS } from '#kit/clock.ts';
import type { Database } from '#kit/db/database.ts';
import { createIdempotency } from '#kit/db/idempotency.ts';
import { ERASURES_AT_ONCE } from '#kit/events/consumers/user-deleted.ts';
import type { Outbox } from '#kit/events/outbox/outbox.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Service } from '#kit/process/start.ts';
import type { Redis } from '#kit/redis/redis.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import { ERASURE } from './events/durables.ts';
import { onUserDeleted } from './events/on-user-deleted.ts';
import {
  batchGetPosts,
  createPost,
  deletePost,
  getPost,
  listPostRevisions,
  listPostsByAuthors,
  listPublicPosts,
  listUserPosts,
  publishRecentPosts,
  updatePost,
} from './handlers/index.ts';
import { createAuthors } from './posts/authors.ts';
import { createDeletedPosts } from './posts/deleted-posts.ts';
import { createEraseAuthor } from './posts/erase-author.ts';
import { createInsertPost } from './posts/insert-post.ts';
import { createPublishedPosts } from './posts/published-posts.ts';
import { createRecentPosts } from './posts/recent-posts.ts';
import { createVisibility } from './posts/visibility.ts';
import { createEntityFinder } from './text/entity-finder.ts';

export interface PostServiceParts {
  db: Database;
  redis: Redis;
  outbox: Outbox;
  users: RpcClient<UserInternalServiceDefinition>;
  clock: Clock;
  logger: Logger;
}

/** The one place where the handlers of this service get what they use. */
export function createPostService({ db, redis, outbox, users, clock, logger }: PostServiceParts) {
  const idempotency = createIdempotency(db, clock);
  const recentPosts = createRecentPosts(redis, db, clock);
  const publishedPosts = createPublishedPosts({ redis, db, recentPosts, logger });
  const deletedPosts = createDeletedPosts(db, clock);
  const authors = createAuthors(redis, users, logger);
  const visibility = createVisibility({ db, users, authors });
  const entityFinder = createEntityFinder(users);
  const eraseAuthor = createEraseAuthor({ db, outbox, publishedPosts });
  const insertPost = createInsertPost(db);

  return {
    addServices(server: RpcServer): void {
      server.add(PostServiceDefinition, {
        createPost: createPost({ idempotency, insertPost, outbox, publishedPosts, authors, entityFinder, clock }),
        getPost: getPost({ visibility }),
        updatePost: updatePost({ db, outbox, publishedPosts, visibility, authors, entityFinder, clock }),
        deletePost: deletePost({ db, outbox, publishedPosts, deletedPosts, visibility, clock }),
        listPostRevisions: listPostRevisions({ db, visibility }),
        listUserPosts: listUserPosts({ db, visibility, authors }),
      });
      server.add(PostInternalServiceDefinition, {
        batchGetPosts: batchGetPosts({ db, publishedPosts, visibility }),
        listPostsByAuthors: listPostsByAuthors({ db }),
        listPublicPosts: listPublicPosts({ db, authors }),
        publishRecentPosts: publishRecentPosts({ recentPosts }),
      });
    },
    effects: publishedPosts.effects,
    consumers: [
      { durable: ERASURE, handlers: [onUserDeleted({ eraseAuthor, users, clock })], concurrency: ERASURES_AT_ONCE },
    ],
    background: [
      { name: 'clean-up of idempotency keys', intervalMs: HOUR_MS, work: idempotency.cleanUp },
      { name: 'clean-up of deleted posts', intervalMs: HOUR_MS, work: deletedPosts.cleanUp },
    ],
  } satisfies Service;
}
