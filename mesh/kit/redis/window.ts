import { createHash, randomBytes } from 'node:crypto';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '#kit/clock.ts';
import type { Position } from '#kit/page-token.ts';
import type { Redis } from '#kit/redis/redis.ts';
import {
  decodeEntry,
  decodePosition,
  encodeEntry,
  encodePosition,
  newestFirst,
  POSITION_BYTES,
  type TimelineEntry,
} from '#kit/redis/timeline.ts';
import { BEGIN, DROP, FINISH, PUSH, READ_TOGETHER, REMOVE_ENTRIES } from '#kit/redis/window-scripts.ts';

/** A window that is not given a new lifetime for this long is gone. */
export const WINDOW_TTL_MS = 14 * DAY_MS;
/** A build that dies is forgotten after this long. */
const BUILD_MS = MINUTE_MS;
/** Windows that are pushed into at a time, on one server by one script call: it holds Redis for about two milliseconds. */
const PUSH_KEYS = 200;
/** Whoever pushes an entry later than this after its time says that it is late. */
export const PROMPT_MS = 20 * SECOND_MS;
export const NONCE_BYTES = 8;
const NO_FLOOR = Buffer.alloc(POSITION_BYTES);
/** Of the sentinel: behind the floor and the byte that sorts it. */
const STATE_OFFSET = POSITION_BYTES + 1;

/** A stretch of one or more timelines, newest first: complete above the floor, and of what is older it says nothing. */
export interface Stretch {
  entries: TimelineEntry[];
  /** Undefined when there is nothing older. */
  floor: Position | undefined;
}

/** What a window says. */
export interface WindowStretch extends Stretch {
  /** What the window was built for. */
  label: string;
  /** Its nonce, as text. */
  nonce: string;
}

/** Several windows together. */
export interface Together extends Stretch {
  /** Those that are not there or are still being built: the others say nothing without them. */
  missing: string[];
  /** Changes when one of them is built anew, or something comes late. Empty of no windows. */
  name: string;
}

/** Names a build; its end is ignored when another has begun since. */
export type Build = Buffer;

export interface WindowStore {
  key(id: string): string;
  begin(id: string): Promise<Build>;
  /**
   * Ends a build with what Postgres held, newest first.
   * @param complete whether there is nothing older than the last of the entries
   */
  finish(id: string, build: Build, label: string, entries: readonly TimelineEntry[], complete: boolean): Promise<void>;
  /**
   * Puts an entry into those windows that are there.
   * @param isLate by more than PROMPT_MS: so that a reader who goes by times notices, they get another nonce unless it is there
   * @returns into how many
   */
  push(ids: readonly string[], entry: TimelineEntry, isLate?: boolean): Promise<number>;
  /** Forgets the whole window. */
  drop(id: string): Promise<void>;
  /** Forgets entries. */
  remove(id: string, entries: readonly TimelineEntry[]): Promise<void>;
  /**
   * The newest entries older than `before` of all these windows together: at least `count`, if there are so many, in one round
   * trip.
   */
  readTogether(ids: readonly string[], before: Position | undefined, count: number): Promise<Together>;
}

export interface WindowOptions {
  /** First part of the keys of the windows. */
  prefix: string;
  /** First part of the keys of the logs of their late arrivals; without it there are none. */
  logPrefix?: string;
  /** That a window holds; older ones fall out. */
  maxEntries: number;
}

/** The windows of one prefix. Whoever only reads them needs not say how many entries they hold. */
export function createWindowStore(redis: Redis, options: WindowOptions): WindowStore {
  const { prefix, logPrefix = '', maxEntries } = options;
  const key = (id: string) => redis.key(prefix, id);
  const keys = (id: string) => (logPrefix === '' ? [key(id)] : [key(id), redis.key(logPrefix, id)]);

  return {
    key,
    async begin(id) {
      const build = randomBytes(NONCE_BYTES);
      await redis.run(BEGIN, keys(id), [encodeSentinel(NO_FLOOR, 'B', build, ''), BUILD_MS]);
      return build;
    },
    async finish(id, build, label, entries, complete) {
      // The oldest entry becomes the floor: the window speaks only of what is newer.
      const oldest = complete ? undefined : entries.at(-1);
      const kept = complete ? entries : entries.slice(0, -1);
      const floor = oldest === undefined ? NO_FLOOR : encodePosition(oldest);
      const sentinel = encodeSentinel(floor, 'R', build, label);
      await redis.run(FINISH, keys(id), [build, sentinel, WINDOW_TTL_MS, maxEntries, ...kept.map(encodeEntry)]);
    },
    async push(ids, entry, isLate = false) {
      const member = encodeEntry(entry);
      let total = 0;
      // One after the other: many famous authors at once would otherwise fill the connection with seconds of work.
      for (const some of chunks(ids, PUSH_KEYS)) {
        const pushes = redis
          .groupBySlot(some, key)
          .map((group) => redis.run(PUSH, group.map(key), [member, maxEntries, logPrefix, isLate ? 1 : 0]));
        for (const taken of await Promise.all(pushes)) total += Number(taken);
      }
      return total;
    },
    async drop(id) {
      await redis.run(DROP, keys(id), []);
    },
    async remove(id, entries) {
      await redis.run(REMOVE_ENTRIES, keys(id), entries.map(encodeEntry));
    },
    async readTogether(ids, before, count) {
      const few = Math.min(count, 1 + Math.ceil((2 * count) / Math.max(1, ids.length)));
      const missing: string[] = [];
      const floors: Position[] = [];
      const nonces: string[] = [];
      const entries: TimelineEntry[] = [];
      await Promise.all(
        redis.groupBySlot(ids, key).map(async (group) => {
          const reply = await redis.run(READ_TOGETHER, group.map(key), [upperBound(before), count, few]);
          const [sentinels, members] = reply as [(Buffer | null)[], Buffer[]];
          for (const [index, id] of group.entries()) {
            const window = parseWindow(sentinels[index] ?? null, []);
            if (window === undefined) missing.push(id);
            else nonces.push(window.nonce);
            if (window?.floor !== undefined) floors.push(window.floor);
          }
          entries.push(...members.map(decodeEntry));
        }),
      );
      const floor = floors.sort(newestFirst)[0];
      return { entries: entries.sort(newestFirst), floor, missing, name: nameTogether(nonces) };
    },
  };
}

/** Entries older than the position: an entry begins with its position, so it sorts above the bare position. */
export function upperBound(before: Position | undefined): string | Buffer {
  return before === undefined ? '+' : Buffer.concat([Buffer.from('('), encodePosition(before)]);
}

/** @returns undefined when there is no window, or one that is still being built */
export function parseWindow(sentinel: Buffer | null, entries: readonly Buffer[]): WindowStretch | undefined {
  if (sentinel === null || sentinel[STATE_OFFSET] !== 'R'.charCodeAt(0)) return undefined;
  const floor = decodePosition(sentinel);
  return {
    label: sentinel.toString('utf8', STATE_OFFSET + 1 + NONCE_BYTES),
    nonce: nameOfBuild(sentinel.subarray(STATE_OFFSET + 1)),
    floor: floor.atMs === 0 ? undefined : floor,
    entries: entries.map(decodeEntry),
  };
}

/** How readers name the build of a window. @param nonce at its beginning */
export function nameOfBuild(nonce: Buffer): string {
  return nonce.toString('base64url', 0, NONCE_BYTES);
}

/** Short, and whatever their order. */
function nameTogether(nonces: readonly string[]): string {
  if (nonces.length === 0) return '';
  const digest = createHash('sha1').update(nonces.toSorted().join('')).digest();
  return nameOfBuild(digest);
}

function encodeSentinel(floor: Buffer, state: 'B' | 'R', build: Build, label: string): Buffer {
  return Buffer.concat([floor, Buffer.from([0xff]), Buffer.from(state), build, Buffer.from(label)]);
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
