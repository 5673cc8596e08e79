-- lib_signal.lua: signals to the nodes that wait for messages of a queue; it stands behind lib_record.lua in front of what makes
-- messages free.
-- KEYS    none
-- ARGV    1 now
-- RETURNS nothing: it defines `is_waited`, `waited_before`, `signal`
-- COST    under a microsecond

-- Whether nodes wait for messages of a queue, by its field `waited-until`.
local function is_waited(value) return value and tonumber(value) > now end

-- The field `waited-until` of a queue that is made just now, for which nodes may have waited before; nil: none does.
local function waited_before(meta, queue)
    local ends = call('PTTL', string.match(meta, '^.-}:') .. KEYS_WAITED .. queue)
    return ends > 0 and text(now + ends) or nil
end

-- Lets the nodes that wait for messages of a queue know that it may have some in so many milliseconds. A user of Redis who
-- may not publish loses that, and nothing else.
local function signal(meta, milliseconds)
    redis.pcall('PUBLISH', string.match(meta, '^.-}:') .. CHANNEL_QUEUE_SIGNALS, text(milliseconds) .. ' ' .. meta)
end
