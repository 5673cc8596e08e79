-- unsubscribe_all.lua: end the oldest subscriptions of a queue. What is owed to them is let go by the sweep.
-- KEYS    1 subs   2 subh   3 so   4 su   5 sx
-- ARGV    1 now   2 limit
-- RETURNS 1: there are more
-- COST    k log n for k subscriptions
may_free(KEYS[1])
for _, id in ipairs(call('ZRANGE', KEYS[3], 0, tonumber(ARGV[2]) - 1)) do
    local header, record = call('HGET', KEYS[2], id), call('HGET', KEYS[1], id)
    -- The header stays, with an end in the past, for as long as deliveries refer to it.
    if header then call('HSET', KEYS[2], id, string.rep('0', 15) .. string.sub(header, 16)) end
    if record then
        local address = address_of(record)
        if call('HGET', KEYS[4], address) == id then call('HDEL', KEYS[4], address) end
        call('HDEL', KEYS[1], id)
    end
    call('ZREM', KEYS[3], id)
    call('ZADD', KEYS[5], 0, id)
end
return call('EXISTS', KEYS[3])
