import { z } from 'zod';
import { MINUTE_MS } from '#kit/clock.ts';
import type { Redis } from '#kit/redis/redis.ts';
import { openTestBus, openTestRedis, type TestContext } from '#kit/testing/context.ts';
import { startNeighbour } from '#kit/testing/neighbour.ts';
import { freePort } from '#kit/testing/ports.ts';
import { type Allowances, allowanceSettings, allowances } from '../attempts/allowances.ts';
import { type Attempts, createAttempts } from '../attempts/attempts.ts';
import { createCounters } from '../attempts/counters.ts';

/** Tests that are about other things come from one network, again and again. */
const MANY = Object.fromEntries(
  Object.keys(allowances(z.object(allowanceSettings).parse({}))).map((name) => [
    name,
    { attempts: 1_000_000, windowMs: MINUTE_MS },
  ]),
) as Allowances;

/** Limits on what is tried. @param changed all others are as good as none */
export function createTestAttempts(
  { metrics, clock, logger }: TestContext,
  redis: Redis,
  changed?: Partial<Allowances>,
): Attempts {
  const allowances = { ...MANY, ...changed };
  return createAttempts({
    counters: createCounters(redis),
    allowances,
    secret: 'a secret of auth',
    metrics,
    clock,
    logger,
  });
}

/**
 * The Redis of the limits, and the user service.
 * @param jwks where the keys stand by which tokens are verified, and who issues them
 * @param withUser false: only an address where nobody answers
 */
export async function startServers(context: TestContext, jwks: { issuer: string; jwksUrl: string }, withUser = true) {
  const limits = await openTestRedis(context);
  if (!withUser) return { limits, user: undefined, address: `127.0.0.1:${await freePort()}` };
  const bus = await openTestBus(context);
  const [redisUrl, natsUrl] = [limits.redisUrl, bus.server.url()];
  const user = await startNeighbour(context, { name: 'user', redisUrl, natsUrl, ...jwks });
  return { limits, user, address: user.address };
}
