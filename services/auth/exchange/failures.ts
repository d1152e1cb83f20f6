import { LRUCache } from 'lru-cache';
import { type Clock, SECOND_MS } from '#kit/clock.ts';

/** Exchanges that may fail at once, and how fast that fills again. */
const MAX_FAILURES = 60;
const REFILL_MS = SECOND_MS;
/** Askers that are remembered, each some hundred bytes; one that is forgotten begins anew. */
const MAX_ASKERS = 10_000;

/** Counts what fails, so that a flood of wrong credentials costs neither hashes nor statements. */
export interface Failures {
  /** Takes a place before it is known whether it fails. @returns false when the asker has none left */
  take(asker: string): boolean;
  /** It has not failed. */
  giveBack(asker: string): void;
}

/** A bucket for each asker, in this process. */
export function createFailures(clock: Clock): Failures {
  const buckets = new LRUCache<string, { left: number; atMs: number }>({ max: MAX_ASKERS });

  function leftOf(asker: string, nowMs: number): number {
    const bucket = buckets.get(asker);
    if (bucket === undefined) return MAX_FAILURES;
    return Math.min(MAX_FAILURES, bucket.left + (nowMs - bucket.atMs) / REFILL_MS);
  }

  function change(asker: string, by: number): boolean {
    const nowMs = clock.nowMs();
    const left = leftOf(asker, nowMs) + by;
    if (left < 0) return false;
    buckets.set(asker, { left: Math.min(left, MAX_FAILURES), atMs: nowMs });
    return true;
  }

  return {
    take: (asker) => change(asker, -1),
    giveBack: (asker) => void change(asker, 1),
  };
}
