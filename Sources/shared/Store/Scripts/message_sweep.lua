-- message_sweep.lua: remove messages that have expired, claims that have ended, keys of posts that are over, and names of moved
-- messages that have expired. They are not shown any more; this only frees their memory.
-- KEYS    1 queue-sweeps   2 arrivals   and by name: all keys of the queues in it, post-keys post-key-expiries usage
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
    -- `KeySpace.swift` puts the words of keys in place of PART_… .
    local function key(part) return queue_key(queue, part) end
    local messages = expired(key(PART_EXPIRIES))
    local usage, bytes, fields = call('HMGET', key(PART_META), 'bytes', 'counted-from'), 0, {}
    if #messages > 0 then
        if usage[1] then
            bytes, fields = sizes_of(key(PART_LOG), key(PART_STATES), messages, tonumber(usage[2]))
        end
        call('XDEL', key(PART_LOG), unpack(messages))
        for _, part in ipairs({ PART_EXPIRIES, PART_CLAIMED, PART_FREED, PART_DELAYED }) do call('ZREM', key(part), unpack(messages)) end
        call('HDEL', key(PART_STATES), unpack(messages))
        if #fields > 0 then call('HDEL', key(PART_STATES), unpack(fields)) end
        removed = removed + #messages
    end
    local post_keys, post_key_expiries = prefix .. KEYS_POST_KEYS .. queue, prefix .. KEYS_POST_KEY_EXPIRIES .. queue
    local over = left > 0 and expired(post_key_expiries) or {}
    if #over > 0 then
        call('HDEL', post_keys, unpack(over))
        call('ZREM', post_key_expiries, unpack(over))
        counted(usage_of(key(PART_META)), #over * POST_KEY_BYTES, -#over * POST_KEY_BYTES)
    end
    local claims = left > 0 and expired(key(PART_CLAIM_EXPIRIES)) or {}
    if #claims > 0 then
        call('HDEL', key(PART_CLAIMS), unpack(claims))
        call('ZREM', key(PART_CLAIM_EXPIRIES), unpack(claims))
    end
    for _, id in ipairs(left > 0 and expired(key(PART_ALIAS_EXPIRIES)) or {}) do
        -- A claim may have prolonged the message since; its name lives as long.
        local ends = call('ZSCORE', key(PART_EXPIRIES), call('HGET', key(PART_ALIASES), id))
        if ends then
            call('ZADD', key(PART_ALIAS_EXPIRIES), ends, id)
        else
            call('HDEL', key(PART_ALIASES), id)
            call('ZREM', key(PART_ALIAS_EXPIRIES), id)
        end
    end
    local at
    for _, ends in ipairs({ key(PART_EXPIRIES), key(PART_CLAIM_EXPIRIES), key(PART_ALIAS_EXPIRIES), post_key_expiries }) do
        local first = tonumber(call('ZRANGE', ends, 0, 0, 'WITHSCORES')[2])
        if first and (not at or first < at) then at = first end
    end
    if at then
        -- Not for every message on its own: a queue in steady use is swept every five seconds.
        if at > now then at = math.max(at, now + 5000) end
        call('ZADD', KEYS[1], at, queue)
        call('HSET', key(PART_META), 'sweep-at', at)
    else
        call('ZREM', KEYS[1], queue)
        call('HDEL', key(PART_META), 'sweep-at', 'open-run')
        call('HSET', key(PART_META), 'ttl-max', 0)
        call('UNLINK', key(PART_CLIENT_RUNS))
    end
    local first = call('XRANGE', key(PART_LOG), '-', '+', 'COUNT', 1)[1]
    if first then
        -- Of the blocks that began before the first message only the last says anything about what is left.
        local position = string.sub(first[1], 1, -3)
        local blocks = call('ZREVRANGEBYSCORE', key(PART_CLIENT_RUNS), position, '-inf', 'WITHSCORES', 'LIMIT', 1, 1)
        if blocks[2] then call('ZREMRANGEBYSCORE', key(PART_CLIENT_RUNS), '-inf', blocks[2]) end
    else
        call('DEL', key(PART_LOG), key(PART_STATES))
    end
    if usage[1] then release(key(PART_META), tonumber(usage[1]), first and bytes or math.huge) end
end
local marks = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)
if #marks > 0 then call('ZREM', KEYS[2], unpack(marks)) end
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { removed, (first[2] and tonumber(first[2]) <= now or #marks == 100) and 1 or 0 }
