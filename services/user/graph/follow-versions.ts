import { randomUUID } from 'node:crypto';
import { DAY_MS } from '#kit/clock.ts';
import { type Effect, effect } from '#kit/events/outbox/effects.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { defineScript, type Redis } from '#kit/redis/redis.ts';
import { userFollowed, userFollowsErased, userUnfollowed } from '../events.ts';

/** Of the people whom a user follows. */
const FOLLOWEES = 'fver';
/** Of the people who follow a user. */
const FOLLOWERS = 'aver';
const TTL_MS = 30 * DAY_MS;

/** Gives the version, and makes one when there is none. Keys: the version. Arguments: a new version, lifetime in ms. */
const GET_OR_SET = defineScript(
  'follow-version',
  `local held = redis.call('GET', KEYS[1])
   if held then return held end
   redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
   return ARGV[1]`,
);

/** Gives new values to versions that are there. Keys: versions. Arguments: the value. */
const RENEW = defineScript(
  'follow-versions-renew',
  `for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'XX', 'KEEPTTL') end
   return #KEYS`,
);

/**
 * Versions of the two sets of people around a user: `fver:{user}` of those whom the user follows, `aver:{user}` of those who
 * follow the user. Each is a random value that is new after each change. Who keeps a copy of a set asks for it again when the
 * version is another one, or gone. Only this service writes them.
 */
export interface FollowVersions {
  /** After a follow or an unfollow, before it is answered. @throws OxoError UNAVAILABLE when Redis is away */
  changed(followerId: string, followeeId: string): Promise<void>;
  /** After many follows of one user, and of those who followed, have ended. */
  erased(userId: string, followerIds: readonly string[], followeeIds: readonly string[]): Promise<void>;
  /**
   * The version of those whom the user follows, as of now; to be read before the set. Empty when Redis is away: then the set
   * must not be kept.
   */
  ofFollowees(userId: string): Promise<string>;
  /** The same of those who follow each of the users, in their order. */
  ofFollowers(userIds: readonly string[]): Promise<string[]>;
  /**
   * After something else has changed that is told with whom these people follow. A version that is missing stays so: its reader
   * makes a new one. @throws OxoError UNAVAILABLE when Redis is away
   */
  renewed(followerIds: readonly string[]): Promise<void>;
  /** What the relay does when the request could not. */
  effects: readonly Effect[];
}

export function createFollowVersions(redis: Redis, logger: Logger): FollowVersions {
  const warn = warnSeldom(logger);

  /**
   * The followers first: whoever reads a feed builds it anew by the second version, and what is posted after that build must
   * find the first one changed already.
   */
  async function changed(followerId: string, followeeId: string): Promise<void> {
    await redis.set(redis.key(FOLLOWERS, followeeId), randomUUID(), TTL_MS);
    await redis.set(redis.key(FOLLOWEES, followerId), randomUUID(), TTL_MS);
  }

  const renew = (prefix: string, userIds: readonly string[]) =>
    Promise.all(userIds.map((id) => redis.set(redis.key(prefix, id), randomUUID(), TTL_MS)));

  async function erased(userId: string, followerIds: readonly string[], followeeIds: readonly string[]): Promise<void> {
    await renew(FOLLOWERS, followerIds.length > 0 ? [...followeeIds, userId] : followeeIds);
    await renew(FOLLOWEES, followeeIds.length > 0 ? [...followerIds, userId] : followerIds);
  }

  async function current(prefix: string, userId: string): Promise<string> {
    return String(await redis.run(GET_OR_SET, [redis.key(prefix, userId)], [randomUUID(), TTL_MS]));
  }

  function orEmpty(error: unknown): string {
    warn({ err: error }, 'the version of a follow set cannot be read');
    return '';
  }

  return {
    changed,
    erased,
    ofFollowees: (userId) => current(FOLLOWEES, userId).catch(orEmpty),
    ofFollowers: (userIds) => Promise.all(userIds.map((userId) => current(FOLLOWERS, userId).catch(orEmpty))),
    async renewed(followerIds) {
      const groups = redis.groupBySlot(followerIds, (userId) => redis.key(FOLLOWEES, userId));
      const renew = (group: string[]) =>
        redis.run(
          RENEW,
          group.map((userId) => redis.key(FOLLOWEES, userId)),
          [randomUUID()],
        );
      await Promise.all(groups.map(renew));
    },
    effects: [
      effect(userFollowed, ({ followerId, followeeId }) => changed(followerId, followeeId)),
      effect(userUnfollowed, ({ followerId, followeeId }) => changed(followerId, followeeId)),
      effect(userFollowsErased, ({ userId, followerIds, followeeIds }) => erased(userId, followerIds, followeeIds)),
    ],
  };
}
