import { UserSummary } from '#gen/oxo/user/v1/user.ts';
import type { UserInternalServiceDefinition } from '#gen/oxo/user/v1/user_internal_service.ts';
import { DAY_MS } from '#kit/clock.ts';
import { userNotFound } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { lookUp } from '#kit/redis/lookup.ts';
import { createReadModel, parseRecord } from '#kit/redis/read-model.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';

/** Finds what is shown of authors beside their posts. */
export interface Authors {
  /** Summaries by user id; authors who are gone are missing. */
  find(ids: readonly string[], context: CallContext): Promise<Map<string, UserSummary>>;
  /** @throws OxoError USER_NOT_FOUND when there is no such user */
  require(id: string, context: CallContext): Promise<UserSummary>;
  /**
   * The author of a new post, and whether it is pulled: that comes with the author, in the same round trip. When it cannot be found
   * out, the post is pushed, which is always right and only costs more.
   * @throws OxoError USER_NOT_FOUND when there is no such user
   */
  requireWriting(id: string, context: CallContext): Promise<WritingAuthor>;
}

export interface WritingAuthor {
  summary: UserSummary;
  pulled: boolean;
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

  async function require(id: string, context: CallContext): Promise<UserSummary> {
    const author = (await find([id], context)).get(id);
    if (author === undefined) throw userNotFound();
    return author;
  }

  /** @returns undefined when Redis does not hold the profile */
  async function readWriting(id: string): Promise<WritingAuthor | undefined> {
    const keys = [redis.key('profile', id), redis.key('pulled', id)];
    const [profile, pulled] = (await redis.getMany(keys)).map(parseRecord);
    if (!(profile instanceof Buffer)) return undefined;
    return { summary: UserSummary.decode(profile), pulled: pulled instanceof Buffer };
  }

  return {
    find,
    require,
    async requireWriting(id, context) {
      const found = await readWriting(id).catch((error: unknown) => {
        warn({ err: error }, 'an author cannot be read; the user service answers');
        return undefined;
      });
      return found ?? { summary: await require(id, context), pulled: false };
    },
  };
}
