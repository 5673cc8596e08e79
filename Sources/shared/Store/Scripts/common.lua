-- common.lua: what every script starts with; the house puts it in front of each of them.
-- KEYS    none
-- ARGV    1 now, ms since the epoch; empty: Redis' own clock
-- RETURNS nothing: it defines `call`, `now`, `text`, `in_chunks`, `next_position`, `queue_of`,
--         `next_version`, `address_of`, `life_of`, `life_text`
-- COST    under a microsecond
local call = redis.call
local now = tonumber(ARGV[1])
if not now then
    local time = call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Lua prints numbers of 15 digits and more wrongly; positions and times become text here and nowhere else.
local function text(number)
    return string.format('%.0f', number)
end

-- One command over many values. `unpack` fails near 8,000 values, and a script that fails keeps what it wrote.
local function in_chunks(command, key, values)
    for first = 1, #values, 1000 do
        call(command, key, unpack(values, first, math.min(first + 999, #values)))
    end
end

-- The queue of a subscription, from its header: expires, ms, 15 digits | confirmed | ordered | most starts in a second, 6
-- digits | version, 6 digits | queue.
local function queue_of(header)
    return string.sub(header, 30)
end

-- The version that a change of a subscription gives it, as its header has it.
local function next_version(header)
    return string.format('%06d', (tonumber(string.sub(header, 24, 29)) + 1) % 1000000)
end

-- The address in the record of a subscription, and where its options begin: life, bytes of the address, address, options.
local function address_of(record)
    local bytes, from = string.match(record, '^%S+ (%d+) ()')
    return string.sub(record, from, from + tonumber(bytes) - 1), from + tonumber(bytes)
end

-- The life of a subscription, from its record: ttl, s, as text; number of its secret; end of the secret before, ms, or -1;
-- latest expiry of a link sent to its address, s; and of those sent to addresses before it, which count no more.
local function life_of(record)
    local ttl, secret, before, latest, barred =
        string.match(record, '^(%d+):?(%d*):?(%-?%d*):?(%d*):?(%d*) ')
    return ttl, tonumber(secret) or 1, tonumber(before) or -1, tonumber(latest) or 0, tonumber(barred) or 0
end

-- The same as the record has it: nothing behind the ttl until a secret was rotated or a link sent.
local function life_text(ttl, secret, before, latest, barred)
    if latest > 0 or barred > 0 then
        return string.format('%s:%d:%.0f:%.0f:%.0f', ttl, secret, before, latest, barred)
    end
    return secret > 1 and string.format('%s:%d:%.0f', ttl, secret, before) or ttl
end

-- The shard's next position: it never goes back, also when the clock does. The caller writes the last one it used.
local function next_position(key)
    return math.max((tonumber(call('GET', key)) or 0) + 1, now * 2048)
end
