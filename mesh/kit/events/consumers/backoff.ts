/** How long a failed event waits before its next try. */

/**
 * Flat at the start, so that an outage of a moment delays an event by a moment; then at most five minutes, so that the end of a
 * long one is noticed. An event waits about as long as the outage that it met.
 */
export const DEFAULT_BACKOFF_MS: readonly number[] = [
  ...[200, 500, 1_000, 2_000, 5_000, 10_000, 30_000],
  ...[60_000, 120_000, 300_000],
];

/** With the table above, an outage of 40 minutes loses nothing to the dead letters, however the delays fall. */
export const DEFAULT_MAX_DELIVER = 20;

/**
 * @param attempt deliveries so far, from 1. Beyond the table its last entry counts.
 * @param random from 0 to 1
 * @returns the table's entry, up to a fifth more or less, so that what failed together does not come back together
 */
export function retryDelayMs(table: readonly number[], attempt: number, random: () => number = Math.random): number {
  const base = table[Math.min(attempt, table.length) - 1] ?? 0;
  return Math.round(base * (0.8 + 0.4 * random()));
}
