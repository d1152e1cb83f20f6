import { newestFirst, type TimelineEntry } from '#kit/redis/timeline.ts';
import type { Stretch } from '#kit/redis/window.ts';

export interface Merged extends Stretch {
  /** Whether nothing more is certain: below the floor one must ask elsewhere, and without a floor this is the end. */
  exhausted: boolean;
}

/**
 * The newest `count` entries of a window and of what is not in it yet, each once. Each stretch was asked for `count` entries. One
 * that gave fewer has told all above its floor, so nothing at or below the highest of these floors is certain. One that gave
 * as many may hold more, but those would come behind `count` others.
 */
export function merge(window: Stretch, others: readonly Stretch[], count: number): Merged {
  const stretches = [window, ...others];
  const floor = stretches
    .filter(({ entries }) => entries.length < count)
    .flatMap((stretch) => stretch.floor ?? [])
    .sort(newestFirst)[0];
  const isCertain = (entry: TimelineEntry) => floor === undefined || newestFirst(entry, floor) < 0;
  const isFull = stretches.some(({ entries }) => entries.length >= count);
  const known = new Set(window.entries.map(({ id }) => id));
  const missing = others.flatMap(({ entries }) => entries.filter((entry) => !known.has(entry.id) && isCertain(entry)));
  // The window's own floor is below its entries.
  const certain = floor === window.floor ? window.entries : window.entries.filter(isCertain);
  // Nearly always nothing is missing.
  const entries = missing.length === 0 ? certain : unique([...certain, ...missing].sort(newestFirst));
  const exhausted = entries.length < count || (!isFull && entries.length === count);
  return { entries: entries.slice(0, count), floor, exhausted };
}

/** @param sorted the same entry may come twice in a row: one's own posts may be pulled */
function unique(sorted: readonly TimelineEntry[]): TimelineEntry[] {
  return sorted.filter((entry, index) => entry.id !== sorted[index - 1]?.id);
}
