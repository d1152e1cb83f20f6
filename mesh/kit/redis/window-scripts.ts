import { defineScript } from '#kit/redis/redis.ts';

/**
 * A window: the newest of a timeline (timeline.ts) in one key, with the place down to which it is complete. Changed only by
 * these scripts.
 *
 * Its first member is the sentinel: the floor as a position (24 bytes), a byte 0xff that sorts it above an entry at that same
 * position, the state ("R" ready or "B" building), the nonce of the build (8 bytes), and a label: what it was built for. Above
 * the floor the window holds all there is; of what is older it says nothing. No key means that the window must be built, and that
 * a push does nothing.
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
  'window-push',
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
 * Reads what is newest in several windows together. Keys: windows. Arguments: upper bound for ZRANGE BYLEX, entries wanted,
 * entries of each window that are looked at first.
 *
 * The few newest of each tell a time that as many entries as are wanted have reached; only of a window whose few are all newer
 * than that, more is read. Times are compared as numbers: the order of strings in Lua depends on the server's locale.
 * Reply: sentinels or nil, in the order of the windows; entries in no order: at least the newest of all, as many as are wanted.
 */
export const READ_TOGETHER = defineScript(
  'window-read-together',
  `local wanted, few = tonumber(ARGV[2]), tonumber(ARGV[3])
   local function newest(key, sentinel, limit)
     return redis.call('ZRANGE', key, ARGV[1], '(' .. sentinel, 'BYLEX', 'REV', 'LIMIT', 0, limit)
   end
   local function atMs(member)
     local total = 0
     for index = 1, 8 do total = total * 256 + string.byte(member, index) end
     return total
   end
   local sentinels, heads, times, entries = {}, {}, {}, {}
   for index, key in ipairs(KEYS) do
     sentinels[index] = redis.call('ZRANGE', key, 0, 0)[1] or false
     heads[index] = sentinels[index] and newest(key, sentinels[index], few) or {}
     for _, member in ipairs(heads[index]) do times[#times + 1] = atMs(member) end
   end
   table.sort(times, function (one, other) return one > other end)
   local oldest = times[wanted] or 0
   for index, key in ipairs(KEYS) do
     local list = heads[index]
     if #list == few and few < wanted and atMs(list[few]) >= oldest then list = newest(key, sentinels[index], wanted) end
     for _, member in ipairs(list) do
       if atMs(member) < oldest then break end
       entries[#entries + 1] = member
     end
   end
   return {sentinels, entries}`,
  // They may belong to another service.
  { readOnly: true },
);

/** Begins a build: from now on pushes reach the window. Keys: window. Arguments: sentinel, lifetime in ms. */
export const BEGIN = defineScript(
  'window-begin',
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
  'window-finish',
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

/** Forgets the window. Keys: window. */
export const DROP = defineScript('window-drop', "return redis.call('DEL', KEYS[1])");
