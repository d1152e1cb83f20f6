import type { Redis } from '#kit/redis/redis.ts';
import { defineScript } from '#kit/redis/redis.ts';
import type { Allowance } from './allowances.ts';

/**
 * Counts an attempt unless the allowance is used up; who is refused does not prolong it. The window begins with the first attempt and ends
 * by itself, and its key with it, so that what a flood leaves behind is bounded.
 */
const TAKE = defineScript(
  'attempt-take',
  `local used = tonumber(redis.call('get', KEYS[1]) or '0')
   if used >= tonumber(ARGV[1]) then return {0, redis.call('pttl', KEYS[1])} end
   if redis.call('incr', KEYS[1]) == 1 then redis.call('pexpire', KEYS[1], ARGV[2]) end
   return {1, 0}`,
);
const GIVE_BACK = defineScript(
  'attempt-give-back',
  `if tonumber(redis.call('get', KEYS[1]) or '0') > 0 then redis.call('decr', KEYS[1]) end
   return 0`,
);

/** Prefix of all keys of this service. */
const PREFIX = 'auth';

export type Taken = { allowed: true } | { allowed: false; retryAfterMs: number };

/** Attempts by whom they are counted for, shared by all replicas. */
export interface Counters {
  /** @throws OxoError UNAVAILABLE when Redis is away */
  take(id: string, allowance: Allowance): Promise<Taken>;
  /** Undoes a take. @throws OxoError UNAVAILABLE when Redis is away */
  giveBack(id: string): Promise<void>;
  /** Whether Redis is there, as far as is known without asking. */
  isThere(): boolean;
}

export function createCounters(redis: Redis): Counters {
  return {
    async take(id, { attempts, windowMs }) {
      const [allowed, restMs] = (await redis.run(TAKE, [redis.key(PREFIX, id)], [attempts, windowMs])) as number[];
      return allowed === 1 ? { allowed: true } : { allowed: false, retryAfterMs: Math.max(1, restMs ?? 0) };
    },
    async giveBack(id) {
      await redis.run(GIVE_BACK, [redis.key(PREFIX, id)], []);
    },
    isThere: redis.isThere,
  };
}
