import { LRUCache } from 'lru-cache';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { requireViewer } from '#kit/identity/caller.ts';
import { measureCache } from '#kit/observability/cache-metrics.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { onBehalfOf, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';

/** Whom a person follows, as of a version. */
export interface FollowSet {
  version: string;
  ids: ReadonlySet<string>;
  /** Those of them whose posts may be in `recent:{author}` and not in the windows. */
  pulledIds: readonly string[];
}

export interface FollowSets {
  /** What is known of a person without asking; it may be old. */
  known(userId: string): FollowSet | undefined;
  /**
   * The follow set of the caller, at least as new as the version that was just read from Redis. It costs an RPC only when
   * the version has moved: the user service moves it before it answers a follow or an unfollow.
   */
  get(version: string, context: CallContext): Promise<FollowSet>;
}

/** Bounds the memory of the cache: followed ids, over all people. */
const MAX_CACHED_IDS = 500_000;

export function createFollowSets(users: RpcClient<UserInternalServiceDefinition>, metrics?: Metrics): FollowSets {
  const recorder = measureCache(metrics, 'follow_sets', () => cache.size);
  const cache = new LRUCache<string, FollowSet>({
    dispose: recorder.disposed,
    maxSize: MAX_CACHED_IDS,
    sizeCalculation: ({ ids }) => ids.size + 1,
  });

  return {
    known: (userId) => cache.get(userId),
    async get(version, context) {
      const { userId } = requireViewer(context);
      const cached = cache.get(userId);
      // No version means that Redis has lost it: what is cached may be from before.
      if (cached !== undefined && version !== '' && cached.version === version) {
        recorder.hit();
        return cached;
      }
      recorder.miss();
      const response = await users.listFolloweeIds({ amongIds: [] }, onBehalfOf(context));
      const { followeeIds, pulledIds } = response;
      const followSet = { version: response.version, ids: new Set(followeeIds), pulledIds };
      if (followSet.version !== '') cache.set(userId, followSet);
      return followSet;
    },
  };
}
