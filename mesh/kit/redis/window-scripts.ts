import { defineScript } from '#kit/redis/redis.ts';

/**
 * A window: the newest of a timeline (timeline.ts) in one key, with the place down to which it is complete. Changed only by
 * these scripts.
 *
 * Its first member is the sentinel: the floor as a position (24 bytes), a byte 0xff that sorts it above an entry at that same
 * position, the state ("R" ready or "B" building), the nonce of the build (8 bytes), and a label: what it was built for. Above
 * the floor the window holds all there is; of what is older it says nothing. No key means that the window must be built, and that
 * a push does nothing. The nonce changes, too, when something has come of which times do not tell: an entry that is pushed long after
 * its time, or one that the log below could not take.
 *
 * Beside a window may stand the log of late arrivals: what was pushed when something newer was there already, in the order in which it
 * came, also what is below the floor (and that at each push: nobody knows whether it has been there). So whoever knows the newest entry of a moment and the length of the log at it can tell all that has arrived since: what is newer
 * in the window, and what is behind in the log. The log's first member is the nonce of the build and, in decimal digits, how many
 * arrivals were cut off: an arrival has a number that no other has under that nonce. Without log, or with that of another nonce,
 * nobody can tell.
 */

/** Overflow is cut when it is this much, so that a full window is not cut at every push. */
export const SLACK_ENTRIES = 50;

/** Arrivals that a log keeps; it is cut when it has grown by half. */
export const LOGGED_ARRIVALS = 256;
/** More than anybody reads of a log at once. */
const LEAP = 10_000;
const MAX_LOG_LENGTH = 1 + LOGGED_ARRIVALS * 1.5;

/** Pops the oldest entries down to the cap; the newest of those popped becomes the floor. */
const CUT = `
  local function cut(key, size, cap)
    local sentinel = redis.call('ZRANGE', key, 0, 0)[1]
    local over = size - cap
    local newFloor = string.sub(redis.call('ZRANGE', key, over, over)[1], 1, 24)
    redis.call('ZREMRANGEBYRANK', key, 0, over)
    redis.call('ZADD', key, 0, newFloor .. string.sub(sentinel, 25))
  end`;

/** Gives a window that is ready another nonce, which is the random end of an entry's id. */
const RENAME = `
  local function rename(key, entry)
    local held = redis.call('ZRANGE', key, 0, 0)[1]
    local named = string.sub(held, 1, 26) .. string.sub(entry, 17, 24) .. string.sub(held, 35)
    if string.sub(held, 26, 26) ~= 'R' or named == held then return end
    redis.call('ZADD', key, 0, named)
    redis.call('ZREM', key, held)
  end`;

/** Keeps the newest arrivals, and counts those that go. */
const CUT_LOG = `
  local function cutLog(log, length)
    local over = length - 1 - ${LOGGED_ARRIVALS}
    local first = redis.call('LINDEX', log, 0)
    redis.call('LTRIM', log, over, -1)
    redis.call('LSET', log, 0, string.sub(first, 1, 8) .. string.format('%d', tonumber(string.sub(first, 9)) + over))
  end`;

/**
 * Puts one entry into many windows. Keys: windows. Arguments: entry, cap, prefix of the logs or nothing, whether it is late ("1").
 * The name of a log is that of its window with another prefix: naming them too would double what is sent. It is in the slot of its
 * window, but while that slot moves it may be at the other node: then the window gets another nonce than the log has.
 * Reply: how many windows took it.
 */
export const PUSH = defineScript(
  'window-push',
  `${CUT} ${CUT_LOG} ${RENAME}
   local inserted, isLate = 0, ARGV[4] == '1'
   local prefix = ARGV[3] ~= '' and ARGV[3]
   local rest = string.find(KEYS[1], ':', 1, true)
   for _, key in ipairs(KEYS) do
     local size = redis.call('ZCARD', key)
     if size > 0 and redis.call('ZADD', key, 0, ARGV[1]) == 1 then
       local rank = redis.call('ZRANK', key, ARGV[1])
       if rank == 0 then redis.call('ZREM', key, ARGV[1]) else inserted = inserted + 1 end
       if prefix and rank < size then
         local log = prefix .. string.sub(key, rest)
         local length = redis.pcall('RPUSHX', log, ARGV[1])
         local isElsewhere = type(length) == 'table'
         if isElsewhere and not string.find(length.err, 'non local key', 1, true) then return length end
         if isElsewhere or length == 0 then rename(key, ARGV[1])
         elseif length > ${MAX_LOG_LENGTH} then cutLog(log, length) end
       end
       if rank > 0 and size > ARGV[2] + ${SLACK_ENTRIES} then cut(key, size, tonumber(ARGV[2])) end
       if isLate then rename(key, ARGV[1]) end
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

/** Begins a build: from now on pushes reach the window. Keys: window, log or nothing. Arguments: sentinel, lifetime in ms. */
export const BEGIN = defineScript(
  'window-begin',
  `redis.call('DEL', KEYS[1])
   redis.call('ZADD', KEYS[1], 0, ARGV[1])
   redis.call('PEXPIRE', KEYS[1], ARGV[2])
   if KEYS[2] then
     redis.call('DEL', KEYS[2])
     redis.call('RPUSH', KEYS[2], string.sub(ARGV[1], 27, 34) .. '0')
     redis.call('PEXPIRE', KEYS[2], ARGV[2])
   end
   return 1`,
);

/**
 * Ends a build, unless another began since: merges what was read with what was pushed meanwhile.
 * Keys: window, log or nothing. Arguments: nonce, sentinel, lifetime in ms, cap, entries. Reply: 1 when the window is ready.
 */
export const FINISH = defineScript(
  'window-finish',
  `${CUT}
   local held = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
   if not held or string.sub(held, 26, 34) ~= 'B' .. ARGV[1] then return 0 end
   redis.call('ZREM', KEYS[1], held)
   -- What was pushed meanwhile may be older than what was read.
   for _, member in ipairs(KEYS[2] and redis.call('ZRANGE', KEYS[1], 0, -1) or {}) do redis.call('RPUSHX', KEYS[2], member) end
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
   for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[3]) end
   local cap = tonumber(ARGV[4])
   local size = redis.call('ZCARD', KEYS[1]) - 1
   if size > cap + ${SLACK_ENTRIES} then cut(KEYS[1], size, cap) end
   return 1`,
);

/**
 * Forgets entries. Keys: window, log or nothing. Arguments: members.
 * Without the newest, what comes next may be older than it and yet not late: the numbers of the log take a leap, so that nobody who
 * knew it is told too little.
 */
export const REMOVE_ENTRIES = defineScript(
  'window-remove',
  `local newest = KEYS[2] and redis.call('ZRANGE', KEYS[1], -1, -1)[1]
   redis.call('ZREM', KEYS[1], unpack(ARGV))
   if not newest or redis.call('ZSCORE', KEYS[1], newest) then return 1 end
   local first = redis.call('LINDEX', KEYS[2], 0)
   if not first then return 1 end
   local cutOff = tonumber(string.sub(first, 9)) + ${LEAP}
   redis.call('LSET', KEYS[2], 0, string.sub(first, 1, 8) .. string.format('%d', cutOff))
   return 1`,
);

/** Forgets the window. Keys: window, log or nothing. */
export const DROP = defineScript('window-drop', "return redis.call('DEL', unpack(KEYS))");
