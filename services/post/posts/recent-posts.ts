import type { Clock } from '#kit/clock.ts';
import type { Queryable } from '#kit/db/database.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { createWindowStore, PROMPT_MS } from '#kit/redis/window.ts';
import { type PostPlace, postPlaceColumns, timelineEntry } from '../entities/post-entity.ts';

const MAX_ENTRIES = 200;

/** Reads only the index of pulled posts. */
const NEWEST = {
  name: 'posts-recent-pulled',
  text: `select ${postPlaceColumns('newest')}
    from unnest($1::uuid[]) as authors (author_id) cross join lateral (
      select id, author_id, published_at_ms from posts where posts.author_id = authors.author_id and pulled
      order by published_at_ms desc, id desc limit $2) newest
    order by newest.published_at_ms desc, newest.id desc`,
};

/**
 * `recent:{author}` in Redis, the newest pulled posts of an author: a window (mesh/kit/redis/window.ts), so it says down to
 * where it is complete. It is made when a reader misses it, and only this service writes it.
 */
export interface RecentPosts {
  /** After the create of a pulled post. Does nothing when nobody has asked for the author's yet. */
  add(place: PostPlace): Promise<void>;
  /** After a delete; any post. */
  remove(place: PostPlace): Promise<void>;
  /** Makes those that are missing. @param authorIds no more than one statement can look for */
  publish(authorIds: readonly string[]): Promise<void>;
}

export function createRecentPosts(redis: Redis, db: Queryable, clock: Clock): RecentPosts {
  const windows = createWindowStore(redis, { prefix: 'recent', maxEntries: MAX_ENTRIES });
  /** Authors for whom it is being made: who misses them meanwhile waits for the same. */
  const underWay = new Map<string, Promise<void>>();

  /** The build begins before Postgres is read, so that no post falls between the two. */
  async function build(authorIds: readonly string[]): Promise<void> {
    const builds = await Promise.all(authorIds.map((authorId) => windows.begin(authorId)));
    const rows = await db.query<PostPlace>(NEWEST, [authorIds, MAX_ENTRIES + 1]);
    const entries = Map.groupBy(rows.map(timelineEntry), ({ ownerId }) => ownerId);
    const finished = authorIds.map(async (authorId, index) => {
      const found = entries.get(authorId) ?? [];
      const build = builds[index];
      if (build !== undefined) await windows.finish(authorId, build, '', found, found.length <= MAX_ENTRIES);
    });
    await Promise.all(finished);
  }

  async function buildMissing(authorIds: readonly string[]): Promise<void> {
    // Another process may have made some of them since.
    const { missing } = await windows.readTogether(authorIds, undefined, 1);
    if (missing.length > 0) await build(missing);
  }

  return {
    async add(place) {
      const entry = timelineEntry(place);
      // Its writer was killed, or Redis was away.
      const isLate = clock.nowMs() - entry.atMs > PROMPT_MS;
      await windows.push([place.authorId], entry, isLate);
    },
    remove: (place) => windows.remove(place.authorId, [timelineEntry(place)]),
    async publish(authorIds) {
      const mine = [...new Set(authorIds)].filter((authorId) => !underWay.has(authorId));
      if (mine.length > 0) {
        const started = buildMissing(mine).finally(() => {
          for (const authorId of mine) underWay.delete(authorId);
        });
        for (const authorId of mine) underWay.set(authorId, started);
      }
      await Promise.all(authorIds.map((authorId) => underWay.get(authorId)));
    },
  };
}
