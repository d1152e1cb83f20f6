import { defineScript } from '#kit/redis/redis.ts';

/**
 * Reads a page of a window, the person's own newest posts and the version of the follow set, all of one moment.
 * Keys: window, own, version. Arguments: upper bound for ZRANGE BYLEX, entries wanted.
 * Reply: version, sentinel or nil, entries of the window, own entries.
 */
export const READ = defineScript(
  'feed-read',
  `local version = redis.call('GET', KEYS[3])
   local own = redis.call('ZRANGE', KEYS[2], ARGV[1], '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[2])
   local sentinel = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
   if not sentinel then return {version, false, {}, own} end
   local entries = redis.call('ZRANGE', KEYS[1], ARGV[1], '(' .. sentinel, 'BYLEX', 'REV', 'LIMIT', 0, ARGV[2])
   return {version, sentinel, entries, own}`,
  // Two of the keys belong to other services.
  { readOnly: true },
);
