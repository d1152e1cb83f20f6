/** How long a failed event waits before its next try. */

/** After the first failure 200 ms, after the seventh half an hour: with eight tries an outage of 40 minutes loses nothing to the dead letters. */
export const DEFAULT_BACKOFF_MS: readonly number[] = [200, 1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000];

/**
 * @param attempt deliveries so far, from 1. Beyond the table its last entry counts.
 * @param random from 0 to 1
 * @returns the table's entry, up to a fifth more or less, so that what failed together does not come back together
 */
export function retryDelayMs(table: readonly number[], attempt: number, random: () => number = Math.random): number {
  const base = table[Math.min(attempt, table.length) - 1] ?? 0;
  return Math.round(base * (0.8 + 0.4 * random()));
}
