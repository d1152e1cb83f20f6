import { LRUCache } from 'lru-cache';
import { type Clock, HOUR_MS } from '#kit/clock.ts';

/** Networks that are remembered; one that is forgotten begins anew. */
const MAX_NETWORKS = 10_000;

/** Counts what a network does. @returns how long it has to wait when it is too much, in milliseconds, or undefined */
export type NetworkLimit = (network: string) => number | undefined;

/**
 * So many in an hour for each network, in this process: a bucket that fills again evenly.
 * @param options.perHour also how many there may be at once
 */
export function createNetworkLimit(options: { perHour: number; clock: Clock }): NetworkLimit {
  const { perHour, clock } = options;
  const buckets = new LRUCache<string, { left: number; atMs: number }>({ max: MAX_NETWORKS });
  const perMs = perHour / HOUR_MS;

  return (network) => {
    const nowMs = clock.nowMs();
    const before = buckets.get(network) ?? { left: perHour, atMs: nowMs };
    const left = Math.min(perHour, before.left + (nowMs - before.atMs) * perMs);
    if (left < 1) return Math.ceil((1 - left) / perMs);
    buckets.set(network, { left: left - 1, atMs: nowMs });
    return undefined;
  };
}
