-- look.lua: what waits in a shard.
-- KEYS    1 rp   2 fly   3 ev   4 sweep   5 sx   6 moves
-- ARGV    1 now
-- RETURNS {now, next due, first end of a lease, next end of a queue's message, next end of a subscription, events,
--         messages between two queues}; times are -1 when there is none
-- COST    1
local function first(key)
    return tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or -1)
end
return { now, first(KEYS[1]), first(KEYS[2]), first(KEYS[4]), first(KEYS[5]), call('XLEN', KEYS[3]),
    call('XLEN', KEYS[6]) }
