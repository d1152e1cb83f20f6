import { LRUCache } from 'lru-cache';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import { measureCache } from '#kit/observability/cache-metrics.ts';
import type { Metrics } from '#kit/observability/metrics.ts';
import { parseRecord } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';

/** Gets followers of one author; the next chunk waits until this one is dealt with. Some may be given twice. */
export type OnChunk = (followerIds: readonly string[]) => Promise<void>;

export interface Followers {
  /**
   * Resolves when all followers of the author have been dealt with: at least those who followed when it was called. Those
   * who are known from before cost one round trip to Redis, which tells whether they are still the same.
   */
  forEachChunk(authorId: string, requestId: string, onChunk: OnChunk): Promise<void>;
  /**
   * Whether the followers look for this author's posts themselves, as of now. What is not known counts as no: a push is always
   * right.
   */
  arePulling(authorId: string): Promise<boolean>;
}

/** Authors in one RPC. */
const MAX_AUTHORS = 200;
/** Long, because the followers of a famous author take many chunks. */
const TIMEOUT_MS = MINUTE_MS / 3;
/** Bounds the memory of the cache: follower ids, over all authors. About 64 bytes each. */
const MAX_CACHED_IDS = 250_000;
/** Of one author; whoever has more is asked for each time. */
const MAX_CACHED_IDS_OF_ONE = 5_000;

interface Known {
  version: string;
  followerIds: readonly string[];
}

/** What one RPC asks for: by author, who waits for the followers. */
interface Batch {
  sinks: Map<string, OnChunk[]>;
  done: Promise<void>;
}

export function createFollowers(
  users: RpcClient<UserInternalServiceDefinition>,
  redis: Redis,
  metrics: Metrics,
): Followers {
  const recorder = measureCache(metrics, 'followers', () => cache.size);
  const cache = new LRUCache<string, Known>({
    dispose: recorder.disposed,
    maxSize: MAX_CACHED_IDS,
    sizeCalculation: ({ followerIds }) => followerIds.length + 1,
  });
  let open: Batch | undefined;

  async function readVersion(authorId: string): Promise<string | undefined> {
    // The user service writes it before it answers a follow or an unfollow.
    const [version] = await redis.getMany([redis.key('aver', authorId)]);
    return version?.toString();
  }

  async function fetch(sinks: Batch['sinks'], requestId: string): Promise<void> {
    const found = new Map<string, { version: string; followerIds: string[] }>();
    const stream = users.streamFollowerIds({ userIds: [...sinks.keys()] }, asService({ requestId }, TIMEOUT_MS));
    for await (const { userId, followerIds, version } of stream) {
      const kept = found.get(userId) ?? { version, followerIds: [] };
      found.set(userId, kept);
      if (kept.followerIds.length <= MAX_CACHED_IDS_OF_ONE) kept.followerIds.push(...followerIds);
      await Promise.all((sinks.get(userId) ?? []).map((onChunk) => onChunk(followerIds)));
    }
    for (const [userId, known] of found) {
      // Without a version nobody could tell when they change.
      if (known.version === '' || known.followerIds.length > MAX_CACHED_IDS_OF_ONE) cache.delete(userId);
      else cache.set(userId, known);
    }
  }

  function openBatch(requestId: string): Batch {
    const sinks: Batch['sinks'] = new Map();
    const done = new Promise<void>((resolve, reject) => {
      // Events that arrived together are handled in the same turn of the event loop.
      setImmediate(() => {
        open = undefined;
        fetch(sinks, requestId).then(resolve, reject);
      });
    });
    open = { sinks, done };
    return open;
  }

  function joinBatch(authorId: string, requestId: string, onChunk: OnChunk): Promise<void> {
    const batch = open !== undefined && open.sinks.size < MAX_AUTHORS ? open : openBatch(requestId);
    batch.sinks.set(authorId, [...(batch.sinks.get(authorId) ?? []), onChunk]);
    return batch.done;
  }

  return {
    async arePulling(authorId) {
      const [record] = await redis.getMany([redis.key('pulled', authorId)]);
      return parseRecord(record) instanceof Buffer;
    },
    async forEachChunk(authorId, requestId, onChunk) {
      const known = cache.get(authorId);
      if (known !== undefined) {
        const [version] = await Promise.all([readVersion(authorId), onChunk(known.followerIds)]);
        if (version === known.version) return recorder.hit();
      }
      recorder.miss();
      await joinBatch(authorId, requestId, onChunk);
    },
  };
}
