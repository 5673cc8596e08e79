-- subscription_delete_some.lua: end the oldest subscriptions of a queue. The sweep ends their deliveries.
-- KEYS    1 subscriptions   2 subscription-headers   3 subscription-order   4 subscriber-addresses
--         5 subscription-expiries   6 usage of the project
-- ARGV    1 now   2 limit
-- RETURNS 1: there are more
-- COST    k log n for k subscriptions
may_free(KEYS[1])
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
for _, id in ipairs(call('ZRANGE', KEYS[3], 0, tonumber(ARGV[2]) - 1)) do
    local header, record = call('HGET', KEYS[2], id), call('HGET', KEYS[1], id)
    if header then call('HSET', KEYS[2], id, ended_header(header)) end
    if record then
        local address = address_of(record)
        if call('HGET', KEYS[4], address) == id then call('HDEL', KEYS[4], address) end
        call('HDEL', KEYS[1], id)
        count_ended(KEYS[6], id)
    end
    call('ZREM', KEYS[3], id)
    call('ZADD', KEYS[5], 0, id)
end
return call('EXISTS', KEYS[3])
