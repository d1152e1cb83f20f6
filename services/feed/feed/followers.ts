import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { MINUTE_MS } from '#kit/clock.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';

/** Gets the followers of one author in chunks; the next chunk waits until this one is dealt with. */
export type OnChunk = (followerIds: readonly string[]) => Promise<void>;

export interface Followers {
  /** Resolves when all chunks are dealt with. Those who ask at the same moment share one RPC. */
  forEachChunk(authorId: string, requestId: string, onChunk: OnChunk): Promise<void>;
}

/** Authors in one RPC. */
const MAX_AUTHORS = 200;
/** Long, because the followers of a famous author take many chunks. */
const TIMEOUT_MS = MINUTE_MS / 3;

interface Batch {
  sinks: Map<string, OnChunk[]>;
  done: Promise<void>;
}

export function createFollowers(users: RpcClient<UserInternalServiceDefinition>): Followers {
  let open: Batch | undefined;

  async function run(sinks: Batch['sinks'], requestId: string): Promise<void> {
    const stream = users.streamFollowerIds({ userIds: [...sinks.keys()] }, asService({ requestId }, TIMEOUT_MS));
    for await (const { userId, followerIds } of stream) {
      await Promise.all((sinks.get(userId) ?? []).map((onChunk) => onChunk(followerIds)));
    }
  }

  function openBatch(requestId: string): Batch {
    const sinks: Batch['sinks'] = new Map();
    const done = new Promise<void>((resolve, reject) => {
      // Events that arrived together are handled in the same turn of the event loop.
      setImmediate(() => {
        open = undefined;
        run(sinks, requestId).then(resolve, reject);
      });
    });
    open = { sinks, done };
    return open;
  }

  return {
    forEachChunk(authorId, requestId, onChunk) {
      const batch = open !== undefined && open.sinks.size < MAX_AUTHORS ? open : openBatch(requestId);
      batch.sinks.set(authorId, [...(batch.sinks.get(authorId) ?? []), onChunk]);
      return batch.done;
    },
  };
}
