import type { PostInternalServiceDefinition } from '#gen/oxo/post/v1/post_internal_service.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import type { Position } from '#kit/page-token.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { createWindowStore, type Together } from '#kit/redis/window.ts';
import { asService, type RpcClient } from '#kit/rpc/client.ts';
import type { CallContext } from '#kit/rpc/context.ts';

/** The posts of pulled authors, from `recent:{author}` of the post service. */
export interface PulledPosts {
  /**
   * The newest `count` entries older than `before` of these authors together, in one round trip. Where the post service has
   * published nothing yet, it is asked to. Undefined when Redis cannot say, or there are too many authors.
   */
  read(
    authorIds: readonly string[],
    before: Position | undefined,
    count: number,
    context: CallContext,
  ): Promise<PulledStretch | undefined>;
}

/** Its name stays while all that comes is newer than what is there, or late by half a minute at most. */
export type PulledStretch = Omit<Together, 'missing'>;

/** Whoever follows more pulled authors reads from Postgres: Redis would be held for longer than the answer is worth. */
export const MAX_PULLED_AUTHORS = 100;

const NOTHING: PulledStretch = { entries: [], floor: undefined, name: '' };

export interface PulledPostsDependencies {
  redis: Redis;
  posts: RpcClient<PostInternalServiceDefinition>;
  logger: Logger;
}

export function createPulledPosts({ redis, posts, logger }: PulledPostsDependencies): PulledPosts {
  const warn = warnSeldom(logger);
  // Only read here: how many entries they hold is the post service's affair.
  const recent = createWindowStore(redis, { prefix: 'recent', maxEntries: 0 });

  async function read(
    authorIds: readonly string[],
    before: Position | undefined,
    count: number,
    context: CallContext,
  ): Promise<PulledStretch | undefined> {
    const first = await recent.readTogether(authorIds, before, count);
    if (first.missing.length === 0) return first;
    await posts.publishRecentPosts({ authorIds: first.missing }, asService(context));
    const second = await recent.readTogether(authorIds, before, count);
    return second.missing.length === 0 ? second : undefined;
  }

  return {
    async read(authorIds, before, count, context) {
      if (authorIds.length === 0) return NOTHING;
      if (authorIds.length > MAX_PULLED_AUTHORS) return undefined;
      return read(authorIds, before, count, context).catch((error: unknown) => {
        warn({ err: error }, 'posts of pulled authors cannot be read; Postgres answers');
        return undefined;
      });
    },
  };
}
