import { createHmac, hkdfSync } from 'node:crypto';
import { OxoError } from '#kit/errors.ts';
import { type Logger, warnSeldom } from '#kit/observability/logger.ts';
import type { Counter, Metrics } from '#kit/observability/metrics.ts';
import type { Allowance, Allowances } from './allowances.ts';
import type { Counters } from './counters.ts';

/** An attempt that was counted. */
export interface Attempt {
  /** It was none that limits are for: it counts for nothing. Does not wait, and cannot fail. */
  giveBack(): void;
}

export interface LoginAttempt extends Attempt {
  /** Strangers have used up what the account, or this network, allows: only who has signed in to the account from here before goes on. */
  onlyFromKnownNetworks: boolean;
}

/**
 * Limits on what is tried again and again: passwords, registrations, tokens. Each throws RATE_LIMITED, the same whether or not there is such
 * an account, before anything costly is done. While Redis is away all attempts pass, and a metric counts them.
 */
export interface Attempts {
  /** @param account id of the account or, where there is none, what stands for it. @param network see `networkOf` */
  login(account: string, network: string): Promise<LoginAttempt>;
  register(network: string): Promise<Attempt>;
  /** Apps that register themselves. */
  client(network: string): Promise<Attempt>;
  /** What a device shows, right or wrong: of ten thousand that wait, 120 tries an hour find one in two years. */
  deviceCode(network: string): Promise<Attempt>;
  /** Refresh tokens, codes and others that are shown to get a token. */
  token(network: string): Promise<Attempt>;
  /** A network under another name, by which it is known without telling which it is. */
  hashOf(network: string): Buffer;
}

export interface AttemptsOptions {
  counters: Counters;
  allowances: Allowances;
  /** Known to all replicas and nobody else. */
  secret: string;
  metrics: Metrics;
  logger: Logger;
}

interface Limit {
  name: keyof Allowances;
  id: string;
  allowance: Allowance;
}

export function createAttempts({ counters, allowances, secret, metrics, logger }: AttemptsOptions): Attempts {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'oxo auth attempts', 32));
  const warn = warnSeldom(logger);
  const { refused, unchecked } = countersOf(metrics);

  /** Neither handles nor addresses stand in Redis, and every id has the same length. */
  const hash = (...parts: string[]): Buffer =>
    createHmac('sha256', key).update(JSON.stringify(parts)).digest().subarray(0, 16);
  const limit = (name: keyof Allowances, ...parts: string[]): Limit => ({
    ...{ name, allowance: allowances[name] },
    id: `${name}:${hash(name, ...parts).toString('base64url')}`,
  });

  function passUnchecked(names: readonly Limit[], error: unknown): void {
    for (const { name } of names) unchecked.inc({ limit: name });
    warn({ err: error }, 'attempts are not limited: redis is away');
  }

  function giveBack(limits: readonly Limit[]): void {
    for (const { id } of limits) counters.giveBack(id).catch((error: unknown) => passUnchecked([], error));
  }

  /** All at once, in one round trip. @returns which of them are used up */
  async function take(limits: readonly Limit[]): Promise<{ limit: Limit; retryAfterMs: number }[]> {
    try {
      const taken = await Promise.all(limits.map(({ id, allowance }) => counters.take(id, allowance)));
      return limits.flatMap((one, index) => {
        const outcome = taken[index];
        return outcome === undefined || outcome.allowed ? [] : [{ limit: one, retryAfterMs: outcome.retryAfterMs }];
      });
    } catch (error) {
      if (!(error instanceof OxoError)) throw error;
      passUnchecked(limits, error);
      return [];
    }
  }

  /** @param soft whether they are used up is told, and refuses nobody */
  async function attempt(
    limits: readonly Limit[],
    soft: readonly Limit[] = [],
  ): Promise<{ isSoftUsedUp: boolean; counted: Limit[] }> {
    const all = [...limits, ...soft];
    const usedUp = await take(all);
    for (const { limit: one } of usedUp) refused.inc({ limit: one.name });
    const counted = all.filter((one) => usedUp.every(({ limit: other }) => other !== one));
    const hard = usedUp.filter(({ limit: one }) => !soft.includes(one));
    if (hard.length > 0) {
      giveBack(counted);
      throw rateLimited(Math.max(...hard.map(({ retryAfterMs }) => retryAfterMs)));
    }
    return { isSoftUsedUp: usedUp.length > 0, counted };
  }

  async function fromNetwork(name: keyof Allowances, network: string): Promise<Attempt> {
    const { counted } = await attempt([limit(name, network)]);
    return { giveBack: () => giveBack(counted) };
  }

  return {
    async login(account, network) {
      const own = [limit('loginOfAccountFromNetwork', account, network)];
      const ofStrangers = [limit('loginOfAccount', account), limit('loginFromNetwork', network)];
      const { isSoftUsedUp, counted } = await attempt(own, ofStrangers);
      return { onlyFromKnownNetworks: isSoftUsedUp, giveBack: () => giveBack(counted) };
    },
    register: (network) => fromNetwork('registerFromNetwork', network),
    client: (network) => fromNetwork('clientFromNetwork', network),
    deviceCode: (network) => fromNetwork('deviceCodeFromNetwork', network),
    token: (network) => fromNetwork('tokenFromNetwork', network),
    hashOf: (network) => hash('network', network),
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
export function rateLimited(retryAfterMs: number): OxoError {
  return new OxoError('RATE_LIMITED', 'Too many attempts. Try again later.', {
    retryAfterMs: Math.ceil(retryAfterMs / 1_000) * 1_000,
  });
}
