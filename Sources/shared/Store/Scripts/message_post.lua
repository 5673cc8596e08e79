-- message_post.lua: append messages to a queue, and in the same step the events its subscribers are notified from.
-- KEYS    1 meta   2 log   3 expiries   4 last-position   5 events   6 wakeup   7 subscription-order   8 queue-sweeps
--         9 delayed   10 client-runs   11 fanout-projects   12 fanout-queues of the project   13 states
--         14 usage of the project   15 post-keys   16 post-key-expiries
-- ARGV    1 now   2 shard   3 queue   4 1: create a missing queue   5 bytes of the request   6 ttl where none is given, s
--         7 mark of the client, 8 bytes   8 the traits of the queue, as the caller believes, or '' to not ask: 1 it encrypts, or 0,
--         then, where queues differ in it, what it is to reach: m, d, r, or - for nothing of its own
--         9 digests of the key of the post and of its request, 16 bytes each, or ''   10 how long the key is kept, s
--         then per message: ttl, s, or ''   delay, s, or ''   flags, checksum and way, or ''   body
-- RETURNS {'posted', first position}, the others follow by one each; {'again', first position, how many} of a post with that key;
--         {'other'}: another request had that key; {'absent'} without a queue, or without messages where no post had that key; {'large', bytes} when the request is larger than the
--         queue takes; {'traits', as they are} when the caller believes otherwise. Nothing was written but in the first.
-- COST    k log n for k messages in a queue of n: 9 us for one, 3.7 each for ten; 20,000 hold Redis for some 50 ms
local meta = call('HMGET', KEYS[1], 'created', 'post-bytes-max', 'ttl-default', 'delay-default', 'ttl-max', 'sweep-at', 'open-run', 'encrypting', 'waited-until', 'posted', 'bytes')
if not meta[1] and ARGV[4] ~= '1' then return { 'absent' } end
local KEY_LIFE, KEY_BYTES, KEY_REST = '>I8I8I4', 16, 21
local key = ARGV[9] ~= '' and string.sub(ARGV[9], 1, KEY_BYTES)
local known = key and call('HGET', KEYS[15], key)
if known then
    local ends, first, count = struct.unpack(KEY_LIFE, known)
    if ends > now then
        if string.sub(known, KEY_REST) ~= string.sub(ARGV[9], KEY_BYTES + 1) then return { 'other' } end
        return { 'again', first, count }
    end
end
local count = (#ARGV - 10) / 4
if count == 0 then return { 'absent' } end
local bytes_max = tonumber(meta[2])
if bytes_max and tonumber(ARGV[5]) > bytes_max then return { 'large', bytes_max } end
if ARGV[8] ~= '' then
    local traits = meta[8] == '1' and '1' or '0'
    if #ARGV[8] > 1 then traits = traits .. (call('HGET', KEYS[1], 'durability') or '-') end
    if traits ~= ARGV[8] then return { 'traits', traits } end
end

local first = next_position(KEYS[4])
local ttl_default, delay_default, ttl_max = tonumber(meta[3] or ARGV[6]), tonumber(meta[4]), tonumber(meta[5]) or 0
if delay_default == 0 then delay_default = nil end
local positions, records, expiries, delays, sizes, bytes, soonest, largest = {}, {}, {}, {}, {}, 0, math.huge, ttl_max
-- Most messages say nothing of themselves but their ttl, and mostly one: then their records begin alike, and end together.
local is_behind, heads, ends = math.floor((first + count) / 2048) <= now, {}, {}
for number = 1, count do
    local index = 7 + 4 * number
    local ttl, delay = tonumber(ARGV[index]) or ttl_default, tonumber(ARGV[index + 1]) or delay_default
    local extras, position = ARGV[index + 2], text(first + number - 1)
    local expires = ends[ttl]
    if not expires then
        expires = text(now + ttl * 1000)
        ends[ttl] = expires
        soonest, largest = math.min(soonest, now + ttl * 1000), math.max(largest, ttl)
    end
    if is_behind and not delay and extras == '' then
        local head = heads[ttl]
        if not head then
            head = struct.pack(RECORD_HEAD, ttl, 0) .. ARGV[7]
            heads[ttl] = head
        end
        records[number] = head .. ARGV[index + 3]
    else
        local stated, times = times_of(first + number - 1, ttl)
        local flags = stated + (delay and 1 or 0) + (extras == '' and 0 or string.byte(extras))
        records[number] = struct.pack(RECORD_HEAD, ttl, flags) .. ARGV[7] .. times
            .. (delay and struct.pack(RECORD_DELAY, delay) or '') .. string.sub(extras, 2) .. ARGV[index + 3]
        if delay and delay > 0 then
            delays[#delays + 1] = text(now + delay * 1000)
            delays[#delays + 1] = position
        end
    end
    local size = #records[number]
    bytes = bytes + size
    if size > LARGE then
        sizes[#sizes + 1] = size_field(position)
        sizes[#sizes + 1] = size
    end
    positions[number] = position
    expiries[2 * number - 1], expiries[2 * number] = expires, position
end

-- From here on it writes, and nothing can fail any more.
local posted = tonumber(meta[10]) or 0
for number, record in ipairs(records) do call('XADD', KEYS[2], positions[number], text(posted + number), record) end
in_chunks('ZADD', KEYS[3], expiries)
in_chunks('ZADD', KEYS[9], delays)
in_chunks('HSET', KEYS[13], sizes)
call('SET', KEYS[4], positions[count])
if key then
    local ends, over = now + ARGV[10] * 1000, call('ZRANGEBYSCORE', KEYS[16], '-inf', now, 'LIMIT', 0, 20)
    if #over > 0 then
        call('HDEL', KEYS[15], unpack(over))
        call('ZREM', KEYS[16], unpack(over))
    end
    local added = call('HSET', KEYS[15], key, struct.pack(KEY_LIFE, ends, first, count) .. string.sub(ARGV[9], KEY_BYTES + 1))
    call('ZADD', KEYS[16], text(ends), key)
    counted(KEYS[14], #over * POST_KEY_BYTES, (added - #over) * POST_KEY_BYTES)
    soonest = math.min(soonest, ends)
end
local changes = { 'posted', text(posted + count), 'open-run', run_with(KEYS[10], meta[7], first, count, ARGV[7]),
    'bytes', counted(KEYS[14], tonumber(meta[11]) or 0, bytes) }
if not meta[1] then
    changes = { 'created', now, 'metadata', '{}', unpack(changes) }
    meta[9] = waited_before(KEYS[1], ARGV[3])
    if meta[9] then
        changes[#changes + 1] = 'waited-until'
        changes[#changes + 1] = meta[9]
    end
end
if not meta[11] then
    changes[#changes + 1] = 'counted-from'
    changes[#changes + 1] = positions[1]
end
if posted == 0 then
    changes[#changes + 1] = 'start'
    changes[#changes + 1] = text(first)
end
if largest > ttl_max then
    changes[#changes + 1] = 'ttl-max'
    changes[#changes + 1] = largest
end
if not meta[6] or soonest < tonumber(meta[6]) then
    changes[#changes + 1] = 'sweep-at'
    changes[#changes + 1] = soonest
    call('ZADD', KEYS[8], soonest, ARGV[3])
end
call('HSET', KEYS[1], unpack(changes))
if call('ZCARD', KEYS[7]) > 0 then
    -- An event carries at most 100 messages, so that fanning one out stays a small step however large the post was.
    local events = {}
    for from = 1, count, 100 do
        local parts = { struct.pack(EVENT_HEAD, first + from - 1) }
        for index = from, math.min(from + 99, count) do
            parts[#parts + 1] = struct.pack(EVENT_LENGTH, #records[index])
            parts[#parts + 1] = records[index]
        end
        events[#events + 1] = table.concat(parts)
    end
    if call('RPUSH', KEYS[5], unpack(events)) == #events then
        -- The queue had none: it takes its place behind those that have, and its project behind the others.
        call('ZADD', KEYS[12], 'NX', positions[1], ARGV[3])
        local bytes, names = string.match(ARGV[3], '^(%d+):(.*)$')
        call('ZADD', KEYS[11], 'NX', positions[1], string.sub(names, 1, tonumber(bytes)))
    end
    call('ZADD', KEYS[6], 0, ARGV[2])
end
if is_waited(meta[9]) then
    -- Some readers see also what is held back.
    signal(KEYS[1], 0)
    local visible = math.huge
    for index = 1, #delays, 2 do visible = math.min(visible, tonumber(delays[index])) end
    if #delays > 0 then signal(KEYS[1], visible - now) end
end
return { 'posted', first }
