import { randomUUID } from 'node:crypto';
import { UserFollowed, UserUnfollowed } from '#gen/oxo/user/v1/user_events.ts';
import { DAY_MS } from '#kit/clock.ts';
import type { Effect } from '#kit/events/effects.ts';
import { type Logger, warnSeldom } from '#kit/logger.ts';
import { defineScript, type Redis } from '#kit/redis/redis.ts';

const PREFIX = 'fver';
const TTL_MS = 30 * DAY_MS;

/** Gives the version, and makes one when there is none. Keys: the version. Arguments: a new version, lifetime in ms. */
const GET_OR_SET = defineScript(
  'follow-version',
  `local held = redis.call('GET', KEYS[1])
   if held then return held end
   redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
   return ARGV[1]`,
);

/**
 * The version of the set of people whom a user follows: `fver:{follower}`, a random value that is new after each change. Who
 * keeps a copy of the set asks for it again when the version is another one, or gone. Only this service writes it.
 */
export interface FollowVersions {
  /** After a change of the set, before it is answered. @throws OxoError UNAVAILABLE when Redis is away */
  changed(followerId: string): Promise<void>;
  /** The version as of now; to be read before the set. Empty when Redis is away: then the set must not be kept. */
  current(followerId: string): Promise<string>;
  /** What the relay does when the request could not. By subject. */
  effects: Readonly<Record<string, Effect>>;
}

export function createFollowVersions(redis: Redis, logger: Logger): FollowVersions {
  const warn = warnSeldom(logger);

  const changed = async (followerId: string) => redis.set(redis.key(PREFIX, followerId), randomUUID(), TTL_MS);

  return {
    changed,
    async current(followerId) {
      try {
        return String(await redis.run(GET_OR_SET, [redis.key(PREFIX, followerId)], [randomUUID(), TTL_MS]));
      } catch (error) {
        warn({ err: error }, 'the version of a follow set cannot be read');
        return '';
      }
    },
    effects: {
      'user.followed': (event) => changed(UserFollowed.decode(event.payload).followerId),
      'user.unfollowed': (event) => changed(UserUnfollowed.decode(event.payload).followerId),
    },
  };
}
