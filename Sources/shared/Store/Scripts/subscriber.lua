-- subscriber.lua: what the header and the record of a subscription say; it stands behind common.lua where they are read.
-- KEYS    none of its own
-- ARGV    none of its own
-- RETURNS nothing: it defines `queue_of`, `next_version`, `address_of`, `life_of`, `life_text`
-- COST    under a microsecond

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
