import { LRUCache } from 'lru-cache';
import { type Clock, HOUR_MS } from '#kit/clock.ts';

/** Networks that are remembered; one that is forgotten begins anew. */
const MAX_NETWORKS = 10_000;

/** Counts what a network does. @returns how long it has to wait when it is too much, in milliseconds, or undefined */
export type NetworkLimit = (network: string) => number | undefined;

/**
 * So many in an hour for each network, in this process: that many at once, and then one after the other, evenly.
 * @param options.perHour also how many there may be at once
 */
export function createNetworkLimit(options: { perHour: number; clock: Clock }): NetworkLimit {
  const { perHour, clock } = options;
  const intervalMs = HOUR_MS / perHour;
  /** When all that a network has done would have been done evenly. */
  const evenlyDoneMs = new LRUCache<string, number>({ max: MAX_NETWORKS });

  return (network) => {
    const nowMs = clock.nowMs();
    const doneMs = Math.max(evenlyDoneMs.get(network) ?? nowMs, nowMs) + intervalMs;
    if (doneMs - nowMs > HOUR_MS) return Math.ceil(doneMs - nowMs - HOUR_MS);
    evenlyDoneMs.set(network, doneMs);
    return undefined;
  };
}
