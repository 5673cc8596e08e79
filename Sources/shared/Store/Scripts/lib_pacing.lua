-- lib_pacing.lua: what of a subscription may start now; it stands behind lib_delivery.lua where attempts start or end.
-- KEYS    none of its own
-- ARGV    1 now
-- RETURNS nothing: it defines the names below
-- COST    under a microsecond where nothing holds a subscription back, two where something does

-- How long a subscription with a full window is left alone, ms; whatever frees a slot wakes it sooner. And one that is
-- paused, which only its resumption wakes, or whose queue moves.
local PARKED, HELD = 30000, 3600000
-- How long after its host had no capacity one attempt at a time is made of it, to see whether there is some, ms; an answer or
-- `subscription_unpark.lua` ends that.
local PROBED = 60000
-- The window: attempts of one subscription that may be out at once. It grows by one a success and halves on failure.
local WINDOW_FIRST, WINDOW_MAX = 8, 64
-- The breaker opens when so many attempts in a row, of so many deliveries, have failed. It stays open for so long, twice
-- as long after each probe that failed, ms.
local BREAKER_FAILURES, BREAKER_DELIVERIES, BREAKER_FIRST, BREAKER_LONGEST = 20, 3, 5000, 60000

-- Attempts out and window of a subscription, from its field in `pacing`, and a table of what else is to be known:
--   p paused since   x disabled since   w nothing starts before   h its host has no capacity until
--   t the rate is used up until   g the digest that is collected goes out at
--   e what waits goes out together since, for it was too much for its address
--   f failures in a row   d positions of their deliveries   s since   b breaker open until   k times it opened
--   m its queue moves to another pool since
-- Almost always there is nothing else, and nil for the table. A pacing with a field that is none of these has only
-- `unread`: nothing of its subscription starts, and all but attempts out and window stays as it is, because another version
-- may read it.
local FIELDS = 'pxmwhtgefdsbk'
local function flow_of(value)
    if not value then return 0, WINDOW_FIRST end
    local out, window, rest = string.match(value, '^(%d+) (%d+)(.*)$')
    -- It must not stop the others of its shard.
    if not out then return 0, WINDOW_FIRST, { unread = value, whole = true } end
    local more
    if rest ~= '' then
        more = {}
        local length = 0
        for name, what in string.gmatch(rest, ' (%a)(%S+)') do
            more[name] = name == 'd' and what or tonumber(what)
            if more[name] and string.find(FIELDS, name, 1, true) then length = length + 2 + #what end
        end
        if length ~= #rest then more = { unread = rest } end
    end
    return tonumber(out), tonumber(window), more
end

-- The field again; nil when it would say what its absence does.
local function flow_text(out, window, more)
    local value = string.format('%d %d', math.max(0, out), window)
    if more and more.unread then return more.whole and more.unread or value .. more.unread end
    if more then
        if more.w and more.w <= now then more.w = nil end
        if more.h and more.h + PROBED <= now then more.h = nil end
        if more.t and more.t <= now then more.t = nil end
        if more.g and more.g <= now then more.g = nil end
        for name in string.gmatch(FIELDS, '%a') do
            local what = more[name]
            if what then
                value = value .. ' ' .. name .. (name == 'd' and what or string.format(name == 't' and '%.4f' or '%.0f', what))
            end
        end
    end
    return value ~= '0 8' and value or nil
end

-- Starts that a subscription with a limit may make in one instant, and the ms each of them uses up: so that no second,
-- wherever it begins, sees more than the limit. A twentieth of it at once lets it be reached by few calls.
local UNPACED = '0000000000000000'

-- How the messages of a subscription are collected: ms from the first one on, and how many at most; nil where each goes out by
-- itself. What one digest takes of messages, bytes; at least one; and how many messages where what was too much goes out together.
local NO_DIGEST, DIGEST_BYTES, EXCESS_MESSAGES = '00000000', 262144, 100
local function digest_of(header, more)
    if string.byte(header, HEADER_COLLECTS_AT) ~= ASCII_1 or is_ordered(header) then return nil end
    local digest = string.sub(header, HEADER_DIGEST_FROM, HEADER_DIGEST_TO)
    if digest == NO_DIGEST then digest = queue_digest(queue_of(header)) end
    if digest == '' then
        if more and more.e then return 0, EXCESS_MESSAGES end
        return nil
    end
    return tonumber(string.sub(digest, 1, 5)) * 1000, tonumber(string.sub(digest, 6))
end

local function bucket(header)
    local limit = tonumber(string.sub(header, HEADER_RATE_FROM, HEADER_RATE_TO))
    if limit == 0 then return nil end
    local burst = math.max(1, math.floor(limit / 20))
    return burst, 1000 / (limit - burst + 1)
end

-- How long a host without capacity may hold a subscription back, ms, and how far a clock may go back by the way.
local HOST_LONGEST, SKEW = 60000, 1000

-- How many attempts may start now, and when to look again once those have.
local function free_slots(header, out, window, more)
    if not more and string.sub(header, HEADER_COLLECTS_AT, HEADER_DIGEST_TO) == UNPACED then
        return window - out, now + PARKED
    end
    more = more or {}
    if more.p or more.x or more.m or more.unread then return 0, now + HELD end
    -- What ends later than it can was written while the clock was ahead, and counts no more.
    local burst, interval = bucket(header)
    if more.b and more.b > now + BREAKER_LONGEST + SKEW then more.b = now end
    if more.h and more.h > now + HOST_LONGEST + SKEW then more.h = nil end
    if more.t and burst and more.t > now + burst * interval + SKEW then more.t = nil end
    local wait = math.max(more.w or 0, more.b or 0, more.h or 0)
    if wait > now then return 0, wait end
    -- An open breaker whose time is over lets one probe through after the other, and so does what was parked.
    -- Of digests one is out at a time, whatever it holds.
    if more.b or (more.h and more.h + PROBED > now) or is_ordered(header) or digest_of(header, more) then
        window = 1
    elseif string.byte(header, HEADER_COLLECTS_AT) ~= ASCII_1 then
        local most = tonumber(string.sub(header, HEADER_DIGEST_FROM, HEADER_DIGEST_TO))
        -- With seconds it is a digest, which this subscriber does not take.
        if most > 0 and most < 1000 then window = math.min(window, most) end
    end
    local slots, at = window - out, now + PARKED
    if burst then
        local ahead = math.max((more.t or 0) - now, 0)
        local left = math.floor(burst - ahead / interval + 1e-6)
        if left < slots then
            slots = left
            if left <= 0 then at = now + math.ceil(ahead - (burst - 1) * interval - 1e-6) end
        end
    end
    return slots, at
end

-- Something was answered: its host has capacity for it, unless it was parked anew.
local function answered(more)
    if more and more.h and more.h <= now then more.h = nil end
    return more
end

-- What a subscription's limit makes of so many starts.
local function spend(header, more, count)
    if string.sub(header, HEADER_COLLECTS_AT, HEADER_DIGEST_TO) == UNPACED then return more end
    local burst, interval = bucket(header)
    if burst then
        more = more or {}
        more.t = math.max(more.t or 0, now) + count * interval
    end
    return more
end

-- What failures in a row make of it, given the positions of their deliveries: they only ever delay, but for the time of
-- nothing but failures after which nothing is sent any more, ms; 0 for never.
local function failed(more, positions, disable_after)
    more = answered(more) or {}
    more.f, more.s, more.d = (more.f or 0) + #positions, more.s or now, more.d or ''
    local _, deliveries = string.gsub(more.d, '%d+', '')
    for _, position in ipairs(positions) do
        if deliveries < BREAKER_DELIVERIES and not string.find(more.d, position, 1, true) then
            more.d = more.d .. (deliveries > 0 and ',' or '') .. position
            deliveries = deliveries + 1
        end
    end
    if more.f >= BREAKER_FAILURES and deliveries >= BREAKER_DELIVERIES then
        -- What was still out when it opened says nothing new.
        if not more.b or more.b <= now then
            more.k = (more.k or 0) + 1
            more.b = now + math.min(BREAKER_LONGEST, BREAKER_FIRST * 2 ^ (more.k - 1))
        end
        if disable_after > 0 and now - more.s >= disable_after then more.x = more.x or now end
    end
    return more
end

-- And what a success does. One that was disabled stays so until it is resumed, whatever is answered meanwhile.
local function succeeded(more)
    if more then more.f, more.d, more.s, more.b, more.k = nil, nil, nil, nil, nil end
    return answered(more)
end
