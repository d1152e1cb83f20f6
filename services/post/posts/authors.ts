import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { DAY_MS } from '#kit/clock.ts';
import { userNotFound } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/logger.ts';
import { lookUp } from '#kit/redis/lookup.ts';
import { createReadModel } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';

/** Finds what is shown of authors beside their posts. */
export interface Authors {
  /** Summaries by user id; authors who are gone are missing. */
  find(ids: readonly string[], context: CallContext): Promise<Map<string, UserSummary>>;
  /** @throws OxoError USER_NOT_FOUND when there is no such user */
  require(id: string, context: CallContext): Promise<UserSummary>;
}

export function createAuthors(redis: Redis, users: RpcClient<UserInternalServiceDefinition>, logger: Logger): Authors {
  const warn = warnSeldom(logger);
  // The user service writes it; this service only reads.
  const profiles = createReadModel(redis, { prefix: 'profile', ttlMs: DAY_MS });
  async function find(ids: readonly string[], context: CallContext): Promise<Map<string, UserSummary>> {
    const fetchMissing = async (missing: string[]) => {
      const { users: found } = await users.batchGetUsers({ ids: missing }, asService(context));
      return new Map(found.map((user) => [user.id, UserSummary.encode(user).finish()]));
    };
    const payloads = await lookUp(profiles, ids, fetchMissing, warn);
    return new Map([...payloads].map(([id, payload]) => [id, UserSummary.decode(payload)]));
  }

  return {
    find,
    async require(id, context) {
      const author = (await find([id], context)).get(id);
      if (author === undefined) throw userNotFound();
      return author;
    },
  };
}
