import { createHmac, hkdfSync } from 'node:crypto';
import { OxoError } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import type { Counter, Metrics } from '#kit/observability/metrics.ts';
import type { Allowance, Allowances } from './allowances.ts';
import type { Counters } from './counters.ts';

/** An allowance of somebody. */
export interface Limit {
  name: keyof Allowances;
  id: string;
  allowance: Allowance;
}

/** Attempts that were counted. */
export interface Taken {
  /** Those limits that refuse nobody are used up, or some of them. */
  isSoftUsedUp: boolean;
  /** They were none that limits are for: they count for nothing. Does not wait, and cannot fail. */
  giveBack(): void;
}

/** Takes from allowances. While Redis is away all attempts pass that need not be counted, and a metric counts them. */
export interface Taking {
  /** @param parts whose it is */
  limit(name: keyof Allowances, ...parts: string[]): Limit;
  /**
   * Takes one of each, in one round trip.
   * @param soft whether they are used up is told, and refuses nobody
   * @param uncounted what happens while Redis is away; they pass when absent
   * @throws OxoError RATE_LIMITED when one of the others is used up; then none has taken anything; UNAVAILABLE for what must be counted and can't be
   */
  take(limits: readonly Limit[], soft?: readonly Limit[], uncounted?: 'PASS' | 'MUST_BE_COUNTED'): Promise<Taken>;
}

export interface TakingOptions {
  counters: Counters;
  allowances: Allowances;
  /** Known to all replicas and nobody else. */
  secret: string;
  metrics: Metrics;
  logger: Logger;
}

export function createTaking({ counters, allowances, secret, metrics, logger }: TakingOptions): Taking {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'oxo auth attempts', 32));
  const warn = warnSeldom(logger);
  const { refused, unchecked } = countersOf(metrics);

  /** Neither handles nor addresses stand in Redis, and every id has the same length. */
  const hash = (...parts: string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest().subarray(0, 16);

  function passUnchecked(limits: readonly Limit[], error: unknown): void {
    for (const { name } of limits) unchecked.inc({ limit: name });
    warn({ err: error }, 'attempts are not limited: redis is away');
  }

  function giveBack(limits: readonly Limit[]): void {
    for (const { id } of limits) counters.giveBack(id).catch((error: unknown) => passUnchecked([], error));
  }

  /** @returns which of them are used up */
  async function takeAll(
    limits: readonly Limit[],
    mustBeCounted: boolean,
  ): Promise<{ limit: Limit; retryAfterMs: number }[]> {
    try {
      const taken = await Promise.all(limits.map(({ id, allowance }) => counters.take(id, allowance)));
      return limits.flatMap((one, index) => {
        const outcome = taken[index];
        return outcome === undefined || outcome.allowed ? [] : [{ limit: one, retryAfterMs: outcome.retryAfterMs }];
      });
    } catch (error) {
      if (mustBeCounted || !(error instanceof OxoError)) throw error;
      passUnchecked(limits, error);
      return [];
    }
  }

  return {
    limit: (name, ...parts) => ({
      ...{ name, allowance: allowances[name] },
      id: `${name}:${hash(name, ...parts).toString('base64url')}`,
    }),
    async take(limits, soft = [], uncounted = 'PASS') {
      const all = [...limits, ...soft];
      const usedUp = await takeAll(all, uncounted === 'MUST_BE_COUNTED');
      for (const { limit: one } of usedUp) refused.inc({ limit: one.name });
      const counted = all.filter((one) => usedUp.every(({ limit: other }) => other !== one));
      const hard = usedUp.filter(({ limit: one }) => !soft.includes(one));
      if (hard.length > 0) {
        giveBack(counted);
        throw rateLimited(Math.max(...hard.map(({ retryAfterMs }) => retryAfterMs)));
      }
      return { isSoftUsedUp: usedUp.length > 0, giveBack: () => giveBack(counted) };
    },
  };
}

function countersOf(metrics: Metrics): { refused: Counter<'limit'>; unchecked: Counter<'limit'> } {
  const labelNames = ['limit'] as const;
  return {
    refused: metrics.counter({
      name: 'oxo_auth_attempts_refused_total',
      help: 'Attempts for which an allowance was used up.',
      labelNames,
    }),
    unchecked: metrics.counter({
      name: 'oxo_auth_attempts_unchecked_total',
      help: 'Attempts that passed because Redis was away.',
      labelNames,
    }),
  };
}

/** @param retryAfterMs is rounded up to seconds, as `Retry-After` tells them */
function rateLimited(retryAfterMs: number): OxoError {
  return new OxoError('RATE_LIMITED', 'Too many attempts. Try again later.', {
    retryAfterMs: Math.ceil(retryAfterMs / 1_000) * 1_000,
  });
}
