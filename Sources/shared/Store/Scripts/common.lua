-- common.lua: what every script starts with; the house puts it in front of each of them.
-- KEYS    none
-- ARGV    1 now, ms since the epoch; empty: Redis' own clock
-- RETURNS nothing: it defines `call`, `now`, `text`, `in_chunks`, `next_position`, `times_of`, `message_life`, `may_free`
-- COST    under a microsecond
local call = redis.call
local now = tonumber(ARGV[1])
if not now then
    local time = call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lua prints numbers of 15 digits and more wrongly; positions and times, which are whole, become text here and nowhere
-- else. Where a command is given many numbers it is given them as text: Redis takes twice as long to print one.
local function text(number)
    return string.format('%d', number)
end

-- One command over many values. `unpack` fails near 8,000 values, and a script that fails keeps what it wrote.
local function in_chunks(command, key, values)
    for first = 1, #values, 1000 do
        call(command, key, unpack(values, first, math.min(first + 999, #values)))
    end
end

-- The shard's next position: it never goes back, also when the clock does. The caller writes the last one it used.
local function next_position(key)
    return math.max((tonumber(call('GET', key)) or 0) + 1, now * 2048)
end

-- What a new record says of its own life: a flag and the bytes it stands for, 0 and '' when the position says it all.
-- Order comes from positions, life from the clock: positions run ahead of it after the clock was once ahead, or after
-- more than 2,048 in one millisecond.
-- Bytes: u64 created, ms | u64 expires, ms | 27 bytes of an id, NUL: the message has the id of its position
local function times_of(position, ttl)
    if math.floor(position / 2048) <= now then return 0, '' end
    return 8, struct.pack('>I8I8', now, now + ttl * 1000) .. string.rep('\0', 27)
end

-- When the life of a record began and when it ends, ms; a claim that prolonged it is not in the record.
local function message_life(position, record)
    local ttl, flags = struct.unpack('>I4B', record)
    local created, from, renewed = math.floor(position / 2048), 14, nil
    local expires = created + ttl * 1000
    if flags < 8 then return created, expires end
    if flags >= 128 then renewed, from = struct.unpack('>I8', record, from) end
    if flags % 16 >= 8 then created, expires = struct.unpack('>I8I8', record, from) end
    return created, renewed or expires
end

-- Lets a script go on when Redis has no memory left: it checks before the first write of a script only, and this one
-- cannot grow. For scripts that free, with a key of theirs that has no life.
local function may_free(key) call('PERSIST', key) end
