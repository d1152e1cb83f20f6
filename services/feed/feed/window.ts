import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#kit/clock.ts';
import type { Position } from '#kit/page-token.ts';
import type { Redis, Reply } from '#kit/redis/redis.ts';
import {
  decodeEntry,
  decodePosition,
  encodeEntry,
  encodePosition,
  POSITION_BYTES,
  REMOVE,
  type TimelineEntry,
} from '#kit/redis/timeline.ts';
import { BEGIN, FINISH, PUSH, READ } from './window-scripts.ts';

/** A person who has not read for this long has no window, and the fan-out passes them by. */
const ACTIVE_MS = 14 * DAY_MS;
/** A build that dies is forgotten after this long. */
const BUILD_MS = MINUTE_MS;
/** Windows that one script call pushes into: it holds Redis for about two milliseconds. */
const PUSH_KEYS = 200;
const NONCE_BYTES = 8;
const NO_FLOOR = Buffer.alloc(POSITION_BYTES);
/** Of the sentinel: behind the floor and the byte that sorts it. */
const STATE_OFFSET = POSITION_BYTES + 1;

/** What the window says of one page, all of one moment. */
export interface WindowPage {
  /** Version of the follow set now; empty when nobody has asked for it yet. */
  followVersion: string;
  /** Undefined when there is no window, or one that is still being built. */
  window: { builtFor: string; floor: Position | undefined; entries: TimelineEntry[] } | undefined;
  /** One's own newest posts, which the fan-out may not have reached yet. */
  own: TimelineEntry[];
}

/** Names a build; its end is ignored when another has begun since. */
export type Build = Buffer;

export interface Windows {
  /** At most `count` entries (and as many own) older than `before`. */
  read(userId: string, before: Position | undefined, count: number): Promise<WindowPage>;
  begin(userId: string): Promise<Build>;
  /**
   * Ends a build with what Postgres held, newest first.
   * @param followVersion version of the follow set for which it was read
   * @param complete whether there is nothing older than the last of the entries
   */
  finish(
    userId: string,
    build: Build,
    followVersion: string,
    entries: TimelineEntry[],
    complete: boolean,
  ): Promise<void>;
  /** Puts an entry into the windows of those who have one. @returns into how many */
  push(userIds: readonly string[], entry: TimelineEntry): Promise<number>;
  /** Forgets entries whose posts are gone. */
  remove(userId: string, entries: readonly TimelineEntry[]): Promise<void>;
}

/** @param maxEntries that a window holds; older ones fall out and come from Postgres */
export function createWindows(redis: Redis, maxEntries: number): Windows {
  const windowKey = (userId: string) => redis.key('feed', userId);

  /** Whose windows were given a new lifetime in the last hour, so that most reads write nothing. */
  const active = new LRUCache<string, true>({ max: 50_000, ttl: HOUR_MS });

  async function stayActive(userId: string): Promise<void> {
    if (active.has(userId)) return;
    active.set(userId, true);
    await redis.expire(windowKey(userId), ACTIVE_MS);
  }

  return {
    async read(userId, before, count) {
      const keys = [windowKey(userId), redis.key('own', userId), redis.key('fver', userId)];
      const page = parsePage(await redis.run(READ, keys, [upperBound(before), count]));
      if (page.window !== undefined) await stayActive(userId);
      return page;
    },
    async begin(userId) {
      const build = randomBytes(NONCE_BYTES);
      await redis.run(BEGIN, [windowKey(userId)], [encodeSentinel(NO_FLOOR, 'B', build, ''), BUILD_MS]);
      return build;
    },
    async finish(userId, build, followVersion, entries, complete) {
      // The oldest entry becomes the floor: the window speaks only of what is newer.
      const oldest = complete ? undefined : entries.at(-1);
      const kept = complete ? entries : entries.slice(0, -1);
      const floor = oldest === undefined ? NO_FLOOR : encodePosition(oldest);
      const sentinel = encodeSentinel(floor, 'R', build, followVersion);
      await redis.run(FINISH, [windowKey(userId)], [build, sentinel, ACTIVE_MS, maxEntries, ...kept.map(encodeEntry)]);
    },
    async push(userIds, entry) {
      const member = encodeEntry(entry);
      const groups = redis.groupBySlot(userIds, windowKey).flatMap((group) => chunks(group, PUSH_KEYS));
      let total = 0;
      // One after the other: many famous authors at once would otherwise fill the connection with seconds of work.
      for (const group of groups) total += Number(await redis.run(PUSH, group.map(windowKey), [member, maxEntries]));
      return total;
    },
    async remove(userId, entries) {
      await redis.run(REMOVE, [windowKey(userId)], entries.map(encodeEntry));
    },
  };
}

/** Entries older than the position: an entry begins with its position, so it sorts above the bare position. */
function upperBound(before: Position | undefined): string | Buffer {
  return before === undefined ? '+' : Buffer.concat([Buffer.from('('), encodePosition(before)]);
}

function encodeSentinel(floor: Buffer, state: 'B' | 'R', build: Build, followVersion: string): Buffer {
  return Buffer.concat([floor, Buffer.from([0xff]), Buffer.from(state), build, Buffer.from(followVersion)]);
}

function parsePage(reply: Reply): WindowPage {
  const [version, sentinel, entries, own] = reply as [Buffer | null, Buffer | null, Buffer[], Buffer[]];
  return {
    followVersion: version === null ? '' : version.toString(),
    window: sentinel === null ? undefined : parseWindow(sentinel, entries),
    own: own.map(decodeEntry),
  };
}

function parseWindow(sentinel: Buffer, entries: Buffer[]): WindowPage['window'] {
  if (sentinel[STATE_OFFSET] !== 'R'.charCodeAt(0)) return undefined;
  const floor = decodePosition(sentinel);
  return {
    builtFor: sentinel.toString('utf8', STATE_OFFSET + 1 + NONCE_BYTES),
    floor: floor.atMs === 0 ? undefined : floor,
    entries: entries.map(decodeEntry),
  };
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
