import { defineScript } from '#kit/redis/redis.ts';

/**
 * The window of one person's feed: a timeline (mesh/kit/redis/timeline.ts) in one key, changed only by these scripts.
 *
 * Its first member is the sentinel: the floor as a position (24 bytes), a byte 0xff that sorts it above an entry at that same
 * position, the state ("R" ready or "B" building), the nonce of the build (8 bytes), and the version of the follow set that
 * the window was built for. Above the floor the window holds all there is; of what is older it says nothing. No key means that
 * the person has not read for two weeks or that the window must be built: the fan-out then does nothing.
 */

/** Overflow is cut when it is this much, so that a full window is not cut at every push. */
export const SLACK_ENTRIES = 50;

/** Pops the oldest entries down to the cap; the newest of those popped becomes the floor. */
const CUT = `
  local function cut(key, size, cap)
    local sentinel = redis.call('ZRANGE', key, 0, 0)[1]
    local over = size - cap
    local newFloor = string.sub(redis.call('ZRANGE', key, over, over)[1], 1, 24)
    redis.call('ZREMRANGEBYRANK', key, 0, over)
    redis.call('ZADD', key, 0, newFloor .. string.sub(sentinel, 25))
  end`;

/**
 * Puts one entry into many windows. Keys: windows. Arguments: entry, cap.
 * Reply: how many windows took it.
 */
export const PUSH = defineScript(
  'feed-push',
  `${CUT}
   local inserted = 0
   for _, key in ipairs(KEYS) do
     local size = redis.call('ZCARD', key)
     if size > 0 and redis.call('ZADD', key, 0, ARGV[1]) == 1 then
       if redis.call('ZRANK', key, ARGV[1]) == 0 then
         redis.call('ZREM', key, ARGV[1])
       else
         inserted = inserted + 1
         if size > ARGV[2] + ${SLACK_ENTRIES} then cut(key, size, tonumber(ARGV[2])) end
       end
     end
   end
   return inserted`,
);

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

/** Begins a build: from now on the fan-out reaches the window. Keys: window. Arguments: sentinel, lifetime in ms. */
export const BEGIN = defineScript(
  'feed-begin',
  `redis.call('DEL', KEYS[1])
   redis.call('ZADD', KEYS[1], 0, ARGV[1])
   redis.call('PEXPIRE', KEYS[1], ARGV[2])
   return 1`,
);

/**
 * Ends a build, unless another began since: merges what was read with what was pushed meanwhile.
 * Keys: window. Arguments: nonce, sentinel, lifetime in ms, cap, entries. Reply: 1 when the window is ready.
 */
export const FINISH = defineScript(
  'feed-finish',
  `${CUT}
   local held = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
   if not held or string.sub(held, 26, 34) ~= 'B' .. ARGV[1] then return 0 end
   redis.call('ZREM', KEYS[1], held)
   for first = 5, #ARGV, 1000 do
     local batch = {}
     for index = first, math.min(first + 999, #ARGV) do
       batch[#batch + 1] = 0
       batch[#batch + 1] = ARGV[index]
     end
     redis.call('ZADD', KEYS[1], unpack(batch))
   end
   redis.call('ZREMRANGEBYLEX', KEYS[1], '-', '(' .. ARGV[2])
   redis.call('ZADD', KEYS[1], 0, ARGV[2])
   redis.call('PEXPIRE', KEYS[1], ARGV[3])
   local cap = tonumber(ARGV[4])
   local size = redis.call('ZCARD', KEYS[1]) - 1
   if size > cap + ${SLACK_ENTRIES} then cut(KEYS[1], size, cap) end
   return 1`,
);
