-- lib_header.lua: how the header of a subscription is laid out; it stands behind lib_common.lua in front of what reads one.
-- KEYS    none
-- ARGV    1 now
-- RETURNS nothing: it defines the names below
-- COST    under a microsecond
--
-- Header: expires, ms, 15 digits, 0 when a caller ended it | confirmed, 0 or 1 | 1: its subscriber takes digests, or 0 | 1 for
--         ordered, and 2 more for a filter policy | most starts in a second, 6 digits, 0 for no limit | digest: seconds, 5 digits,
--         and messages, 3, 0 for what the queue says; without seconds, of a subscriber that takes none, the most attempts under
--         way, 0 for no limit | version, 6 digits | address of the queue
-- Pacing, as callers give it, is the third digit, most starts in a second, and digest or most attempts.
local HEADER_EXPIRES_TO, HEADER_CONFIRMED_AT, HEADER_COLLECTS_AT, HEADER_RULES_AT = 15, 16, 17, 18
local HEADER_RATE_FROM, HEADER_RATE_TO, HEADER_DIGEST_FROM, HEADER_DIGEST_TO = 19, 24, 25, 32
local HEADER_VERSION_FROM, HEADER_VERSION_TO, HEADER_QUEUE_FROM, ASCII_1 = 33, 38, 39, 49

local function is_alive(header)
    return header and tonumber(string.sub(header, 1, HEADER_EXPIRES_TO)) > now
end

local function is_confirmed(header)
    return string.byte(header, HEADER_CONFIRMED_AT) == ASCII_1
end

local function is_ordered(header)
    return string.byte(header, HEADER_RULES_AT) % 2 == ASCII_1 % 2
end

local function queue_of(header)
    return string.sub(header, HEADER_QUEUE_FROM)
end
