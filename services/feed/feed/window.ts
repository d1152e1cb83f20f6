import { LRUCache } from 'lru-cache';
import { HOUR_MS } from '#kit/clock.ts';
import type { Position } from '#kit/page-token.ts';
import type { Redis, Reply } from '#kit/redis/redis.ts';
import { decodeEntry, type TimelineEntry } from '#kit/redis/timeline.ts';
import {
  createWindowStore,
  NONCE_BYTES,
  nameOfBuild,
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
  /** With the first page; undefined when nobody can say what has arrived. */
  log: ArrivalLog | undefined;
}

/** What has arrived late in a window since it was built: when newer entries were there already. */
export interface ArrivalLog {
  /** Names the build: numbers of another say nothing. */
  nonce: string;
  /** How many have arrived so far, which is the number of the last. */
  count: number;
  /** The last of them, in the order in which they came. */
  newest: TimelineEntry[];
}

/** The windows of feeds, by person. Who has not read for two weeks has none, and the fan-out passes them by. */
export interface Windows extends Pick<WindowStore, 'begin' | 'finish' | 'push' | 'drop' | 'remove'> {
  /**
   * At most `count` entries (and as many own) older than `before`.
   * @param arrivals with the first page: how many of the last late arrivals are wanted
   */
  read(userId: string, before: Position | undefined, count: number, arrivals?: number): Promise<WindowPage>;
}

/** @param maxEntries that a window holds; older ones fall out and come from Postgres */
export function createWindows(redis: Redis, maxEntries: number): Windows {
  const store = createWindowStore(redis, { prefix: 'feed', logPrefix: 'arr', maxEntries });

  /** Whose windows were given a new lifetime in the last hour, so that most reads write nothing. */
  const active = new LRUCache<string, true>({ max: 50_000, ttl: HOUR_MS });

  async function stayActive(userId: string): Promise<void> {
    if (active.has(userId)) return;
    active.set(userId, true);
    const keys = [store.key(userId), redis.key('arr', userId)];
    await Promise.all(keys.map((key) => redis.expire(key, WINDOW_TTL_MS)));
  }

  return {
    ...store,
    async read(userId, before, count, arrivals = 0) {
      const keys = [store.key(userId), redis.key('own', userId), redis.key('fver', userId), redis.key('arr', userId)];
      // Nobody asks what has arrived since a later page.
      const wanted = before === undefined ? arrivals : -1;
      const page = parsePage(await redis.run(READ, keys, [upperBound(before), count, wanted]));
      if (page.window !== undefined) await stayActive(userId);
      return page;
    },
  };
}

function parsePage(reply: Reply): WindowPage {
  const [version, sentinel, entries, own, first, length, arrivals] = reply as [
    Buffer | null,
    Buffer | null,
    Buffer[],
    Buffer[],
    Buffer | null,
    number,
    Buffer[],
  ];
  const window = parseWindow(sentinel, entries);
  const log = first === null ? undefined : parseLog(first, length, arrivals);
  return {
    followVersion: version === null ? '' : version.toString(),
    window,
    own: own.map(decodeEntry),
    // Of another nonce, it has missed something.
    log: log?.nonce === window?.nonce ? log : undefined,
  };
}

function parseLog(first: Buffer, length: number, arrivals: readonly Buffer[]): ArrivalLog {
  const cutOff = Number(first.toString('latin1', NONCE_BYTES));
  const newest = arrivals.length === length ? arrivals.slice(1) : arrivals;
  return { nonce: nameOfBuild(first), count: cutOff + length - 1, newest: newest.map(decodeEntry) };
}
