import { FeedServiceDefinition } from '#gen/oxo/feed/v1/feed_service.ts';
import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import type { Clock } from '#kit/clock.ts';
import { ERASURES_AT_ONCE } from '#kit/events/consumers/user-deleted.ts';
import type { Logger } from '#kit/observability/logger.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import type { Service } from '#kit/process/start.ts';
import type { Redis } from '#kit/redis/redis.ts';
import type { RpcClient } from '#kit/rpc/client.ts';
import type { RpcServer } from '#kit/rpc/server.ts';
import { ERASURE, FANOUT } from './events/durables.ts';
import { onPostCreated } from './events/on-post-created.ts';
import { onUserDeleted } from './events/on-user-deleted.ts';
import { createArrivalReader } from './feed/arrivals.ts';
import { createCandidateReader } from './feed/candidates.ts';
import { createFollowSets } from './feed/follow-sets.ts';
import { createFollowers } from './feed/followers.ts';
import { createHydrator } from './feed/hydration.ts';
import { createFeedMetrics } from './feed/metrics.ts';
import { createPulledPosts } from './feed/pulled-posts.ts';
import { EncodedFeedResponse } from './feed/response.ts';
import { createWindows } from './feed/window.ts';
import { getFeed, getPublicFeed } from './handlers/index.ts';

export interface FeedServiceParts {
  redis: Redis;
  /** A connection of its own for the fan-out: no reader waits behind the followers of the famous. */
  fanOutRedis: Redis;
  posts: RpcClient<PostInternalServiceDefinition>;
  users: RpcClient<UserInternalServiceDefinition>;
  maxEntries: number;
  clock: Clock;
  logger: Logger;
  metrics: Metrics;
}

/** Events in hand at once: those that arrive together share one RPC for their authors' followers. */
const FANOUT_CONCURRENCY = 64;
/** The contract, but for GetFeed's answer, which the handler gives encoded. */
const { getFeed: getFeedMethod } = FeedServiceDefinition.methods;
const FeedService = {
  ...FeedServiceDefinition,
  methods: {
    ...FeedServiceDefinition.methods,
    getFeed: {
      ...getFeedMethod,
      responseType: { ...getFeedMethod.responseType, ...EncodedFeedResponse, fromPartial: undefined },
    },
  },
};

/** The one place where the handlers and consumers of this service get what they use. */
export function createFeedService(parts: FeedServiceParts) {
  const { redis, fanOutRedis, posts, users, maxEntries, clock, logger } = parts;
  const windows = createWindows(redis, maxEntries);
  const metrics = createFeedMetrics(parts.metrics);
  const followSets = createFollowSets(users, parts.metrics);
  const pulledPosts = createPulledPosts({ redis, posts, logger });
  const candidates = createCandidateReader({ windows, followSets, pulledPosts, posts, maxEntries, metrics, logger });
  const arrivals = createArrivalReader({ windows, followSets, pulledPosts });
  const hydrator = createHydrator({ redis, posts, users, metrics, logger });
  const followers = createFollowers(users, fanOutRedis, parts.metrics);

  return {
    addServices(server: RpcServer): void {
      server.add(FeedService, {
        getFeed: getFeed({ candidates, arrivals, hydrator, windows, metrics }),
        getPublicFeed: getPublicFeed({ posts }),
      });
    },
    consumers: [
      {
        durable: FANOUT,
        handlers: [onPostCreated({ followers, windows: createWindows(fanOutRedis, maxEntries), metrics, clock })],
        concurrency: FANOUT_CONCURRENCY,
      },
      { durable: ERASURE, handlers: [onUserDeleted({ windows, users, clock })], concurrency: ERASURES_AT_ONCE },
    ],
  } satisfies Service;
}
