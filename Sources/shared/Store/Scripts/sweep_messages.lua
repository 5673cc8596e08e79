-- sweep_messages.lua: remove messages that have expired. Nobody sees them any more; this only frees their memory.
-- KEYS    1 sweep   and by name: meta log exp of the queues in it
-- ARGV    1 now   2 prefix   3 limit, at most 500 messages
-- RETURNS {messages removed, 1: more are due now}
-- COST    k log n for k messages, 1.1 us each; at most 50 queues
local left, removed = tonumber(ARGV[3]), 0
for _, queue in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 50)) do
    if left == 0 then break end
    local meta, log, exp = queue_key(queue, 'meta'), queue_key(queue, 'log'), queue_key(queue, 'exp')
    local expired = call('ZRANGEBYSCORE', exp, '-inf', now, 'LIMIT', 0, left)
    if #expired > 0 then
        call('XDEL', log, unpack(expired))
        call('ZREM', exp, unpack(expired))
        left, removed = left - #expired, removed + #expired
    end
    local first = call('ZRANGE', exp, 0, 0, 'WITHSCORES')
    if first[2] then
        -- Not for every message on its own: a queue in steady use is swept every five seconds.
        local at = tonumber(first[2])
        if at > now then at = math.max(at, now + 5000) end
        call('ZADD', KEYS[1], at, queue)
        call('HSET', meta, 'sw', at)
    else
        call('DEL', log)
        call('ZREM', KEYS[1], queue)
        call('HDEL', meta, 'sw')
        call('HSET', meta, 'mttl', 0)
    end
end
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { removed, first[2] and tonumber(first[2]) <= now and 1 or 0 }
