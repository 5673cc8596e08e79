-- lib_usage.lua: what the messages of a queue take, and those of its project in the shard; it stands behind lib_record.lua in
-- front of what appends messages or removes them.
-- KEYS    none of its own
-- ARGV    1 now
-- RETURNS nothing: it defines `LARGE`, `POST_KEY_BYTES`, `size_field`, `counted`
-- COST    under a microsecond
--
-- `bytes` of a queue's hash: what the records of its messages take, of those from `counted-from` on: older ones are from before
-- anything was counted. `bytes` of `usage` is the sum over the queues of the project in the shard, and of what the keys of posts take.

-- The size of a longer record is written down in `states`, so that removing one does not read it.
local LARGE = 2048
-- What a key takes by which a post is known again, in `post-keys` and `post-key-expiries`.
local POST_KEY_BYTES = 200
local function size_field(position) return 'b' .. position end

-- Counts in `usage` of the project that a queue which holds so many bytes holds more, or less; returns what `bytes` of the queue
-- is to be.
local function counted(usage, held, change)
    local holds = math.max(held + change, 0)
    if call('HINCRBY', usage, 'bytes', text(holds - held)) <= 0 then call('HDEL', usage, 'bytes') end
    return text(holds)
end
