-- lib_common.lua: what every script starts with.
-- KEYS    none
-- ARGV    1 now, ms since the epoch; empty: Redis' own clock
-- RETURNS nothing: it defines `call`, `now`, `text`, `in_chunks`, `next_position`, `may_free`
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

-- Lets a script go on when Redis has no memory left: it checks before the first write of a script only, and this one
-- cannot grow. For scripts that free, with a key of theirs that has no life.
local function may_free(key) call('PERSIST', key) end
