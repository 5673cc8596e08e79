-- lib_subscription.lua: how the record of a subscription is laid out, and how a header changes; it stands behind
-- lib_header.lua in front of what reads the one or writes the other.
-- KEYS    none
-- ARGV    none of its own
-- RETURNS nothing: it defines `is_mail`, `new_header`, `version_of`, `changed_header`, `ended_header`, `address_of`, `life_of`,
--         `new_record`, `with_life`, `new_id`, `position_of`, `count_new`, `count_ended`, `keep_trust`, `end_trust`
-- COST    under a microsecond
--
-- Record: life | blank | bytes of the address | blank | address | options, JSON
-- Life:   ttl, s [: version of the secret : end of the one before, ms, or -1 [: latest expiry of a link sent to the
--         address, s : and of those sent to addresses before it, which count no more]]

-- The id of a subscription begins with its position, in 11 digits.
local ID_DIGITS, ID_POSITION_TO = '0123456789abcdefghjkmnpqrstvwxyz', 11

local function new_id(position, random)
    local digits = {}
    for index = ID_POSITION_TO, 1, -1 do
        local digit = position % 32 + 1
        digits[index] = string.sub(ID_DIGITS, digit, digit)
        position = math.floor(position / 32)
    end
    return table.concat(digits) .. random
end

-- Counts the subscriptions of a project in the shard, in `usage` of it: those from `subscriptions-from` on, since older ones are
-- from before anything was counted. One counts until it is ended, or swept once it has expired.
local function count_new(usage, position)
    local from = call('HINCRBY', usage, 'subscriptions', 1) > 1 and tonumber(call('HGET', usage, 'subscriptions-from'))
    if not from or position < from then call('HSET', usage, 'subscriptions-from', text(position)) end
end

local function position_of(id)
    local position = 0
    for index = 1, ID_POSITION_TO do
        position = position * 32 + string.find(ID_DIGITS, string.sub(id, index, index), 1, true) - 1
    end
    return position
end

local function count_ended(usage, id)
    local from = tonumber(call('HGET', usage, 'subscriptions-from'))
    if from and position_of(id) >= from and call('HINCRBY', usage, 'subscriptions', -1) == 0 then
        call('HDEL', usage, 'subscriptions', 'subscriptions-from')
    end
end

-- Whether a subscriber is a mail address.
local function is_mail(address)
    return string.lower(string.sub(address, 1, 7)) == 'mailto:'
end

-- `collects`: 1 when the subscriber takes digests, else 0.
local function new_header(expires, confirmed, collects, pacing, version, queue)
    return string.format('%0' .. HEADER_EXPIRES_TO .. '.0f', expires) .. confirmed .. collects .. pacing .. version .. queue
end

local function version_of(header)
    return tonumber(string.sub(header, HEADER_VERSION_FROM, HEADER_VERSION_TO))
end

-- The header with its next version, and those of the other fields that are given.
local function changed_header(header, expires, confirmed, pacing, collects)
    local version = (version_of(header) + 1) % 1000000
    return new_header(expires or tonumber(string.sub(header, 1, HEADER_EXPIRES_TO)),
        confirmed or string.sub(header, HEADER_CONFIRMED_AT, HEADER_CONFIRMED_AT),
        collects or string.sub(header, HEADER_COLLECTS_AT, HEADER_COLLECTS_AT),
        pacing or string.sub(header, HEADER_RULES_AT, HEADER_DIGEST_TO), string.format('%06d', version), queue_of(header))
end

-- The header with an end in the past. It stays for as long as deliveries refer to it.
local function ended_header(header)
    return string.rep('0', HEADER_EXPIRES_TO) .. string.sub(header, HEADER_CONFIRMED_AT)
end

-- The address in a record, and where the options begin.
local function address_of(record)
    local bytes, from = string.match(record, '^%S+ (%d+) ()')
    return string.sub(record, from, from + tonumber(bytes) - 1), from + tonumber(bytes)
end

-- The life in a record: ttl, s, as text; version of the secret; end of the one before, ms, or -1; latest expiry of a link, s;
-- and of those that count no more.
local function life_of(record)
    local ttl, secret, before, latest, barred =
        string.match(record, '^(%d+):?(%d*):?(%-?%d*):?(%d*):?(%d*) ')
    return ttl, tonumber(secret) or 1, tonumber(before) or -1, tonumber(latest) or 0, tonumber(barred) or 0
end

-- The same as a record has it: nothing behind the ttl until a secret was rotated or a link sent.
local function life_text(ttl, secret, before, latest, barred)
    if latest > 0 or barred > 0 then
        return string.format('%s:%d:%.0f:%.0f:%.0f', ttl, secret, before, latest, barred)
    end
    return secret > 1 and string.format('%s:%d:%.0f', ttl, secret, before) or ttl
end

local function new_record(address, options, ttl, secret, before, latest, barred)
    return life_text(ttl, secret, before, latest, barred) .. ' ' .. #address .. ' ' .. address .. options
end

-- The record with another life.
local function with_life(record, ttl, secret, before, latest, barred)
    return life_text(ttl, secret, before, latest, barred) .. string.match(record, '^%S+( .*)$')
end

-- Writes down the trust that was made for a subscription; its removal was planned before.
local function keep_trust(trusts, ended, id, trust)
    call('HSET', trusts, id, trust)
    call('ZREM', ended, '0:' .. trust)
end

-- Has the trust that was made for a subscription removed, so many ms from now.
local function end_trust(trusts, ended, id, pause)
    local trust = call('HGET', trusts, id)
    if not trust then return end
    call('HDEL', trusts, id)
    call('ZADD', ended, text(now + pause), '0:' .. trust)
end
