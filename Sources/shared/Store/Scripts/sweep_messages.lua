-- sweep_messages.lua: remove messages that have expired, claims that have ended, and names of moved messages that have
-- expired. Nobody sees them any more; this only frees their memory.
-- KEYS    1 sweep   2 in   and by name: all keys of the queues in it
-- ARGV    1 now   2 prefix   3 limit, at most 500 messages
-- RETURNS {messages removed, 1: more are due now}
-- COST    k log n for k messages, 1.1 us each; at most 50 queues
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 50)
may_free(KEYS[1])
local left, removed = tonumber(ARGV[3]), 0

local function expired(key)
    local members = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, left)
    left = left - #members
    return members
end

for _, queue in ipairs(due) do
    if left == 0 then break end
    local key = setmetatable({}, { __index = function(_, part) return queue_key(queue, part) end })
    local messages = expired(key.exp)
    if #messages > 0 then
        call('XDEL', key.log, unpack(messages))
        for _, part in ipairs({ 'exp', 'held', 'back', 'delay' }) do call('ZREM', key[part], unpack(messages)) end
        call('HDEL', key.st, unpack(messages))
        removed = removed + #messages
    end
    local claims = left > 0 and expired(key.cexp) or {}
    if #claims > 0 then
        call('HDEL', key.claims, unpack(claims))
        call('ZREM', key.cexp, unpack(claims))
    end
    for _, id in ipairs(left > 0 and expired(key.aexp) or {}) do
        -- A claim may have prolonged the message since; its name lives as long.
        local ends = call('ZSCORE', key.exp, call('HGET', key.alias, id))
        if ends then
            call('ZADD', key.aexp, ends, id)
        else
            call('HDEL', key.alias, id)
            call('ZREM', key.aexp, id)
        end
    end
    local at
    for _, part in ipairs({ 'exp', 'cexp', 'aexp' }) do
        local first = tonumber(call('ZRANGE', key[part], 0, 0, 'WITHSCORES')[2])
        if first and (not at or first < at) then at = first end
    end
    if at then
        -- Not for every message on its own: a queue in steady use is swept every five seconds.
        if at > now then at = math.max(at, now + 5000) end
        call('ZADD', KEYS[1], at, queue)
        call('HSET', key.meta, 'sw', at)
    else
        call('ZREM', KEYS[1], queue)
        call('HDEL', key.meta, 'sw', 'run')
        call('HSET', key.meta, 'mttl', 0)
        call('UNLINK', key.runs)
    end
    local first = call('XRANGE', key.log, '-', '+', 'COUNT', 1)[1]
    if first then
        -- Of the blocks that began before the first message only the last says anything about what is left.
        local position = string.sub(first[1], 1, -3)
        local blocks = call('ZREVRANGEBYSCORE', key.runs, position, '-inf', 'WITHSCORES', 'LIMIT', 1, 1)
        if blocks[2] then call('ZREMRANGEBYSCORE', key.runs, '-inf', blocks[2]) end
    else
        call('DEL', key.log)
    end
end
local marks = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)
if #marks > 0 then call('ZREM', KEYS[2], unpack(marks)) end
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { removed, (first[2] and tonumber(first[2]) <= now or #marks == 100) and 1 or 0 }
