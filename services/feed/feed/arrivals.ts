import { requireViewer } from '#kit/identity/caller.ts';
import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import type { Stretch } from '#kit/redis/window.ts';
import type { CallContext } from '#kit/rpc/context.ts';
import type { FollowSets } from './follow-sets.ts';
import type { PulledPosts } from './pulled-posts.ts';
import { endOf, MAX_SEEN, OVERLAP_MS, type Place, placeAt, placeOfPost, since } from './since.ts';
import type { ArrivalLog, Windows } from './window.ts';

/** What has come into a feed since a place. */
export interface Arrivals {
  /** Newest first. */
  entries: TimelineEntry[];
  /** From which to ask next. */
  place: Place;
}

export interface ArrivalReader {
  /**
   * All that has arrived since the place, or since the post with this id. Undefined when that is more than `max`, or when it cannot be
   * told: the window was built anew, a post of a pulled author came late, the log no longer reaches so far, Redis is away.
   */
  read(from: Place | string, max: number, context: CallContext): Promise<Arrivals | undefined>;
}

export interface ArrivalDependencies {
  windows: Pick<Windows, 'read'>;
  followSets: FollowSets;
  pulledPosts: PulledPosts;
}

export function createArrivalReader({ windows, followSets, pulledPosts }: ArrivalDependencies): ArrivalReader {
  return {
    async read(from, max, context) {
      const { userId } = requireViewer(context);
      // One too many tells that there are more; and some may be known.
      const count = max + MAX_SEEN + 1;
      const known = followSets.known(userId);
      // Redis away: whoever reads the newest page instead tells of it.
      const [page, guess] = await Promise.all([
        windows.read(userId, undefined, count, count).catch(() => undefined),
        known && pulledPosts.read(known.pulledIds, undefined, count, context),
      ]);
      if (page?.window === undefined || page.log === undefined) return undefined;
      const set = await followSets.get(page.followVersion, context);
      if (set.version === '' || page.window.label !== set.version) return undefined;
      const pulled = set === known ? guess : await pulledPosts.read(set.pulledIds, undefined, count, context);
      if (pulled === undefined) return undefined;
      const { entries: held, floor } = page.window;
      const place = typeof from === 'string' ? placeOfPost(from, held, page.log, userId, pulled.name) : from;
      if (place === undefined || place.pulledName !== pulled.name) return undefined;

      const late = arrivedBehind(place, page.log);
      if (late === undefined || !reaches(pulled, count, place.pulledMs - OVERLAP_MS)) return undefined;
      if (floor !== undefined && newestFirst(floor, place.newest) < 0) return undefined;
      const newer = held.filter((entry) => newestFirst(entry, place.newest) < 0);
      const seen = new Set(place.seen);
      const candidates = [
        ...newer,
        ...late,
        ...since(page.own, place.ownMs),
        ...since(pulled.entries, place.pulledMs),
      ].filter(({ id, ownerId }) => (ownerId === userId || set.ids.has(ownerId)) && !seen.has(endOf(id)));
      const entries = [...new Map(candidates.map((entry) => [entry.id, entry])).values()].sort(newestFirst);
      if (entries.length > max) return undefined;
      const now = { log: page.log, newest: held[0], own: page.own, pulled };
      return { entries, place: placeAt(now, place) };
    },
  };
}

/** Undefined when the log is another, or what was read of it does not begin early enough. */
function arrivedBehind(place: Place, { nonce, count, newest }: ArrivalLog): TimelineEntry[] | undefined {
  const arrived = count - place.count;
  if (nonce !== place.nonce || arrived < 0 || arrived > newest.length) return undefined;
  return newest.slice(newest.length - arrived);
}

/** Whether a stretch that was asked for `count` entries tells all from this time on. */
function reaches({ entries, floor }: Stretch, count: number, fromMs: number): boolean {
  const lowest = [floor, entries[count - 1]].filter((place) => place !== undefined);
  return lowest.every(({ atMs }) => atMs < fromMs);
}
