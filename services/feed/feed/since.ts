import { z } from 'zod';
import { SECOND_MS } from '#kit/clock.ts';
import { invalidFields } from '#kit/errors.ts';
import { idToBytes, isId } from '#kit/ids.ts';
import { fingerprint, type Position } from '#kit/page-token.ts';
import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import { PROMPT_MS } from '#kit/redis/window.ts';
import type { PulledStretch } from './pulled-posts.ts';
import type { ArrivalLog } from './window.ts';

/**
 * A moment in somebody's feed. What was pushed is newer than what was newest, or has a number in the log of late arrivals. One's own posts and those of pulled authors have
 * only their times, and may come a little later than newer ones: those of the last moments are told apart by their ids. What comes later
 * than that gives those of pulled authors another name, and one's own come by the fan-out too.
 */
export interface Place {
  /** Of the log; empty when it is not known what has arrived. */
  nonce: string;
  /** Late arrivals until then. */
  count: number;
  /** The newest entry of the window. */
  newest: Position;
  /** Time of the newest own post that was known. */
  ownMs: number;
  /** Time of the newest post of a pulled author that was known. */
  pulledMs: number;
  /** Of the posts of pulled authors together. */
  pulledName: string;
  /** Ends of the ids of own and pulled posts that were known and are not older than the newest by more than OVERLAP_MS. */
  seen: readonly string[];
}

/** Before everything. */
const OLDEST: Position = { atMs: 0, id: '00000000-0000-0000-0000-000000000000' };

export const UNKNOWN_PLACE: Place = {
  nonce: '',
  count: 0,
  newest: OLDEST,
  ownMs: 0,
  pulledMs: 0,
  pulledName: '',
  seen: [],
};

/** By so much a post may come later than newer ones of the same source, and not count as late: clocks differ, and Redis may be slow. */
export const OVERLAP_MS = PROMPT_MS + 10 * SECOND_MS;
/** Known posts that a place remembers. If there are more of the last moments, some come again. */
export const MAX_SEEN = 16;
/** Bytes of the end of an id, which are random. */
const SEEN_BYTES = 8;
const SEEN_CHARACTERS = 11;

/** What a place is made of, all of one read; `own` and `pulled` newest first. */
export interface Known {
  log: Pick<ArrivalLog, 'nonce' | 'count'> | undefined;
  /** Of the window; undefined when it is empty. */
  newest: Position | undefined;
  own: readonly TimelineEntry[];
  pulled: Pick<PulledStretch, 'entries' | 'name'>;
}

/** @param earlier the place from which was asked: what it knew may have been dropped from Redis since */
export function placeAt({ log, newest = OLDEST, own, pulled }: Known, earlier: Place = UNKNOWN_PLACE): Place {
  if (log === undefined) return UNKNOWN_PLACE;
  const ownMs = Math.max(earlier.ownMs, own[0]?.atMs ?? 0);
  const pulledMs = Math.max(earlier.pulledMs, pulled.entries[0]?.atMs ?? 0);
  const recent = [...since(own, ownMs), ...since(pulled.entries, pulledMs)].sort(newestFirst).slice(0, MAX_SEEN);
  const { atMs, id } = newest;
  const seen = recent.map((entry) => endOf(entry.id));
  const { nonce, count } = log;
  return { nonce, count, newest: { atMs, id }, ownMs, pulledMs, pulledName: pulled.name, seen };
}

/**
 * A place that is certainly not behind the moment at which somebody read this post of a window. Undefined when it is not there, for
 * one's own, which are read before they arrive, and when not all late arrivals are at hand. Of pulled authors it knows nothing of what
 * came late until now.
 */
export function placeOfPost(
  postId: string,
  entries: readonly TimelineEntry[],
  log: ArrivalLog,
  viewerId: string,
  pulledName: string,
): Place | undefined {
  const post = entries.find(({ id }) => id === postId);
  if (post === undefined || post.ownerId === viewerId || log.count > log.newest.length) return undefined;
  // Postgres may have shown it before it arrived, but nothing that was committed later.
  const newest = { ...OLDEST, atMs: Math.max(0, post.atMs - OVERLAP_MS) };
  const { atMs } = post;
  return { nonce: log.nonce, count: 0, newest, ownMs: atMs, pulledMs: atMs, pulledName, seen: [endOf(postId)] };
}

/** Own or pulled posts, newest first, that may have come since the newest was of this time. */
export function since(entries: readonly TimelineEntry[], newestMs: number): TimelineEntry[] {
  return entries.filter(({ atMs }) => atMs >= newestMs - OVERLAP_MS);
}

/** What stands for an id in `seen`. */
export function endOf(id: string): string {
  return idToBytes(id).toString('base64url', SEEN_BYTES);
}

const count = z.number().int().min(0);
const id = z.string().refine(isId);
const payload = z.tuple([z.string(), z.string(), count, count, id, count, count, z.string(), z.string()]);

/** An opaque text for the place; it works for this viewer only. */
export function encodeSince(viewerId: string, place: Place): string {
  const { nonce, count, newest, ownMs, pulledMs, pulledName, seen } = place;
  const times = [newest.atMs, newest.id, ownMs, pulledMs];
  const content = [fingerprint(listOf(viewerId)), nonce, count, ...times, pulledName, seen.join('')];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/**
 * The place that a text stands for, or the id of a post.
 * @throws OxoError VALIDATION_FAILED when it is neither
 */
export function decodeSince(viewerId: string, text: string): Place | string {
  if (isId(text)) return text;
  const parsed = payload.safeParse(parseJson(Buffer.from(text, 'base64url').toString()));
  if (!parsed.success || parsed.data[0] !== fingerprint(listOf(viewerId))) {
    throw invalidFields([{ field: 'sinceId', description: 'must be a sinceId of this feed, or the id of a post' }]);
  }
  const [, nonce, count, atMs, id, ownMs, pulledMs, pulledName, ends] = parsed.data;
  const seen = ends.match(new RegExp(`.{${SEEN_CHARACTERS}}`, 'g')) ?? [];
  return { nonce, count, newest: { atMs, id }, ownMs, pulledMs, pulledName, seen };
}

function listOf(viewerId: string): string {
  return `feed-since:${viewerId}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
