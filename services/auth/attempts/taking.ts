import { createHmac, hkdfSync } from 'node:crypto';
import { type Clock, MINUTE_MS } from '#kit/clock.ts';
import { OxoError } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import { type Counter, type Metrics, startAtZero } from '#kit/observability/metrics.ts';
import type { Allowance, Allowances } from './allowances.ts';
import type { Counters } from './counters.ts';
import { createOwnCounters } from './own-counters.ts';

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

/**
 * Takes from allowances. While Redis is away, or refuses, each process counts what it sees itself, unless that is not enough; a metric counts those
 * attempts.
 */
export interface Taking {
  /** @param parts whose it is */
  limit(name: keyof Allowances, ...parts: string[]): Limit;
  /**
   * Takes one of each, in one round trip.
   * @param soft whether they are used up is told, and refuses nobody
   * @param alone what happens while Redis is away: whether it is enough that this process counts them
   * @throws OxoError RATE_LIMITED when one of the others is used up; then none has taken anything; UNAVAILABLE for what must be counted by all and can't be
   */
  take(limits: readonly Limit[], soft?: readonly Limit[], alone?: 'WILL_DO' | 'WILL_NOT_DO'): Promise<Taken>;
}

export interface TakingOptions {
  counters: Counters;
  allowances: Allowances;
  /** Known to all replicas and nobody else. */
  secret: string;
  metrics: Metrics;
  clock: Clock;
  logger: Logger;
}

export function createTaking({ counters, allowances, secret, metrics, clock, logger }: TakingOptions): Taking {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'oxo auth attempts', 32));
  const warn = warnSeldom(logger);
  const own = createOwnCounters(clock);
  const { refused, unchecked } = countersOf(metrics, Object.keys(allowances));
  const shared = createSharedGauge(metrics, counters, clock);

  /** Neither handles nor addresses stand in Redis, and every id has the same length. */
  const hash = (...parts: string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest().subarray(0, 16);

  function tellAlone(limits: readonly Limit[], error: unknown): void {
    for (const { name } of limits) unchecked.inc({ limit: name });
    warn({ err: error }, 'attempts are limited by each process alone: redis does not count them');
  }

  function giveBack(limits: readonly Limit[]): void {
    for (const { id } of limits) {
      own.giveBack(id);
      counters.giveBack(id).catch((error: unknown) => tellAlone([], error));
    }
  }

  async function count(limits: readonly Limit[], mustBeShared: boolean) {
    try {
      const taken = await Promise.all(limits.map(({ id, allowance }) => counters.take(id, allowance)));
      shared.succeeded();
      return taken;
    } catch (error) {
      shared.failed();
      if (mustBeShared) throw error;
      tellAlone(limits, error);
      return limits.map(({ id, allowance }) => own.take(id, allowance));
    }
  }

  /** @returns which of them are used up */
  async function takeAll(
    limits: readonly Limit[],
    mustBeShared: boolean,
  ): Promise<{ limit: Limit; retryAfterMs: number }[]> {
    const taken = await count(limits, mustBeShared);
    return limits.flatMap((one, index) => {
      const outcome = taken[index];
      return outcome === undefined || outcome.allowed ? [] : [{ limit: one, retryAfterMs: outcome.retryAfterMs }];
    });
  }

  return {
    limit: (name, ...parts) => ({
      ...{ name, allowance: allowances[name] },
      id: `${name}:${hash(name, ...parts).toString('base64url')}`,
    }),
    async take(limits, soft = [], alone = 'WILL_DO') {
      const all = [...limits, ...soft];
      const usedUp = await takeAll(all, alone === 'WILL_NOT_DO');
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

/** So long after it has refused, Redis counts as not counting, unless it has counted since. */
const FAILED_FOR_MS = MINUTE_MS;

/** Whether all processes count together, or each alone: told at the scrape by what is known. */
function createSharedGauge(metrics: Metrics, counters: Pick<Counters, 'isThere'>, clock: Clock) {
  let failedAtMs = Number.NEGATIVE_INFINITY;
  const shared = metrics.gauge({
    name: 'oxo_auth_limiter_shared',
    help: 'Whether all processes count attempts together: 1, or each alone, while their Redis is away or refuses: 0.',
  });
  metrics.onCollect(() => shared.set(counters.isThere() && clock.nowMs() - failedAtMs > FAILED_FOR_MS ? 1 : 0));
  return {
    failed: () => {
      failedAtMs = clock.nowMs();
    },
    succeeded: () => {
      failedAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}

function countersOf(
  metrics: Metrics,
  limits: readonly string[],
): { refused: Counter<'limit'>; unchecked: Counter<'limit'> } {
  const labelNames = ['limit'] as const;
  const refused = metrics.counter({
    name: 'oxo_auth_attempts_refused_total',
    help: 'Attempts for which an allowance was used up.',
    labelNames,
  });
  const unchecked = metrics.counter({
    name: 'oxo_auth_attempts_unchecked_total',
    help: 'Attempts that one process alone has counted, because Redis was away or refused.',
    labelNames,
  });
  for (const counter of [refused, unchecked]) startAtZero(counter, ...limits.map((limit) => ({ limit })));
  return { refused, unchecked };
}

/** @param retryAfterMs is rounded up to seconds, as `Retry-After` tells them */
function rateLimited(retryAfterMs: number): OxoError {
  return new OxoError('RATE_LIMITED', 'Too many attempts. Try again later.', {
    retryAfterMs: Math.ceil(retryAfterMs / 1_000) * 1_000,
  });
}
