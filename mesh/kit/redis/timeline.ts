import { idFromBytes, idToBytes } from '#kit/ids.ts';
import type { Position } from '#kit/page-token.ts';
import { defineScript } from '#kit/redis/redis.ts';

/**
 * Timelines in Redis: sorted sets whose members all have the score 0 and sort by their bytes: time, then id, exactly as
 * Postgres sorts (published_at, id). The owner's id in the member tells whom the thing belongs to without another read.
 */
export interface TimelineEntry extends Position {
  ownerId: string;
}

const TIME_BYTES = 8;
const ID_BYTES = 16;
/** A position in bytes: time in milliseconds (big-endian), then id. A member is a position and the owner's id. */
export const POSITION_BYTES = TIME_BYTES + ID_BYTES;

/** The member of the sorted set that stands for this entry. `decodeEntry` reads it. */
export function encodeEntry(entry: TimelineEntry): Buffer {
  return Buffer.concat([encodePosition(entry), idToBytes(entry.ownerId)]);
}

/** The bytes by which an entry at this place sorts: the beginning of its member. */
export function encodePosition(position: Position): Buffer {
  const bytes = Buffer.allocUnsafe(POSITION_BYTES);
  bytes.writeBigUInt64BE(BigInt(position.atMs));
  idToBytes(position.id).copy(bytes, TIME_BYTES);
  return bytes;
}

/** The position with which the bytes begin. */
export function decodePosition(bytes: Buffer): Position {
  return { atMs: Number(bytes.readBigUInt64BE()), id: idFromBytes(bytes, TIME_BYTES) };
}

/** The entry that a member stands for. */
export function decodeEntry(member: Buffer): TimelineEntry {
  return { ...decodePosition(member), ownerId: idFromBytes(member, POSITION_BYTES) };
}

/** Newest first: by time, then by id; 0 for one and the same place. For Array.sort, and to compare places. */
export function newestFirst(a: Position, b: Position): number {
  if (a.atMs !== b.atMs) return b.atMs - a.atMs;
  return a.id === b.id ? 0 : a.id < b.id ? 1 : -1;
}

/** Adds an entry and keeps the newest. Keys: the timeline. Arguments: member, entries to keep, lifetime in ms. */
export const APPEND = defineScript(
  'timeline-append',
  `redis.call('ZADD', KEYS[1], 0, ARGV[1])
   redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[2])
   redis.call('PEXPIRE', KEYS[1], ARGV[3])
   return 1`,
);

/** Removes entries. Keys: the timeline. Arguments: members. */
export const REMOVE = defineScript('timeline-remove', "return redis.call('ZREM', KEYS[1], unpack(ARGV))");
