import { defineScript } from '#kit/redis/redis.ts';

/**
 * Reads a page of a window, the person's own newest posts, the version of the follow set and the newest late arrivals, all of one moment.
 * Keys: window, own, version, log. Arguments: upper bound for ZRANGE BYLEX, entries wanted, arrivals wanted (-1: nothing of the log).
 * Reply: version, sentinel or nil, entries of the window, own entries; first member and length of the log, arrivals (and the first
 * member before them when there are no more).
 */
export const READ = defineScript(
  'feed-read',
  `local version = redis.call('GET', KEYS[3])
   local own = redis.call('ZRANGE', KEYS[2], ARGV[1], '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[2])
   local sentinel = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
   if not sentinel then return {version, false, {}, own, false, 0, {}} end
   local entries = redis.call('ZRANGE', KEYS[1], ARGV[1], '(' .. sentinel, 'BYLEX', 'REV', 'LIMIT', 0, ARGV[2])
   local wanted = tonumber(ARGV[3])
   local first = wanted >= 0 and redis.call('LINDEX', KEYS[4], 0)
   if not first then return {version, sentinel, entries, own, false, 0, {}} end
   local arrivals = wanted > 0 and redis.call('LRANGE', KEYS[4], -wanted, -1) or {}
   return {version, sentinel, entries, own, first, redis.call('LLEN', KEYS[4]), arrivals}`,
  // Two of the keys belong to other services.
  { readOnly: true },
);
