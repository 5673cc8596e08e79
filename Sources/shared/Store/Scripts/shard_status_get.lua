-- shard_status_get.lua: what waits in a shard.
-- KEYS    1 ready-projects   2 leases   3 fanout-projects   4 queue-sweeps   5 subscription-expiries   6 moves
--         7 delivery-sweeps   and by name: fanout-queues events
-- ARGV    1 now   2 prefix
-- RETURNS {now, next due, first end of a lease, next end of a queue's message, next end of a subscription, next look at
--         what waits, events of at most 16 queues of 16 projects, messages between two queues}; times are -1 when there is
--         none
-- COST    1, and 1 of each of these queues
local function first(key)
    return tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or -1)
end
local events = 0
for _, project in ipairs(call('ZRANGE', KEYS[3], 0, 15)) do
    for _, queue in ipairs(call('ZRANGE', fanout_key(project), 0, 15)) do
        events = events + call('LLEN', events_key(queue))
    end
end
return { now, first(KEYS[1]), first(KEYS[2]), first(KEYS[4]), first(KEYS[5]), first(KEYS[7]), events,
    call('XLEN', KEYS[6]) }
