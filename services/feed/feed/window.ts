import { LRUCache } from 'lru-cache';
import { HOUR_MS } from '#kit/clock.ts';
import type { Position } from '#kit/page-token.ts';
import type { Redis, Reply } from '#kit/redis/redis.ts';
import { decodeEntry, type TimelineEntry } from '#kit/redis/timeline.ts';
import {
  createWindowStore,
  parseWindow,
  upperBound,
  WINDOW_TTL_MS,
  type WindowStore,
  type WindowStretch,
} from '#kit/redis/window.ts';
import { READ } from './window-read.ts';

/** What the window says of one page, all of one moment. */
export interface WindowPage {
  /** Version of the follow set now; empty when nobody has asked for it yet. */
  followVersion: string;
  /**
   * Undefined when there is no window, or one that is still being built. Its label is the version of the follow set that it was
   * built for.
   */
  window: WindowStretch | undefined;
  /** One's own newest posts, which the fan-out may not have reached yet. */
  own: TimelineEntry[];
}

/** The windows of feeds, by person. Who has not read for two weeks has none, and the fan-out passes them by. */
export interface Windows extends Pick<WindowStore, 'begin' | 'finish' | 'push' | 'drop' | 'remove'> {
  /** At most `count` entries (and as many own) older than `before`. */
  read(userId: string, before: Position | undefined, count: number): Promise<WindowPage>;
}

/** @param maxEntries that a window holds; older ones fall out and come from Postgres */
export function createWindows(redis: Redis, maxEntries: number): Windows {
  const store = createWindowStore(redis, { prefix: 'feed', maxEntries });

  /** Whose windows were given a new lifetime in the last hour, so that most reads write nothing. */
  const active = new LRUCache<string, true>({ max: 50_000, ttl: HOUR_MS });

  async function stayActive(userId: string): Promise<void> {
    if (active.has(userId)) return;
    active.set(userId, true);
    await redis.expire(store.key(userId), WINDOW_TTL_MS);
  }

  return {
    ...store,
    async read(userId, before, count) {
      const keys = [store.key(userId), redis.key('own', userId), redis.key('fver', userId)];
      const page = parsePage(await redis.run(READ, keys, [upperBound(before), count]));
      if (page.window !== undefined) await stayActive(userId);
      return page;
    },
  };
}

function parsePage(reply: Reply): WindowPage {
  const [version, sentinel, entries, own] = reply as [Buffer | null, Buffer | null, Buffer[], Buffer[]];
  return {
    followVersion: version === null ? '' : version.toString(),
    window: parseWindow(sentinel, entries),
    own: own.map(decodeEntry),
  };
}
