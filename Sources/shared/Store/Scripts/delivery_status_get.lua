-- delivery_status_get.lua: what became of a message for some of its queue's subscriptions, in the order of their creation.
-- KEYS    1 events   2 fanout-pages   3 pacing   4 leases   5 payloads   6 subscription-headers   7 attempt-counts
--         8 subscription-order   9 dead-letters   10 dead-letter-entries   11 turns   12 subscriptions
--         13 waiting-confirmations   and by name: due attempt-log meta
-- ARGV    1 now   2 prefix   3 queue   4 position of the message   5 position of the subscription to go on behind
--         6 subscriptions, at most 5   7 flags of the record of a question to confirm
-- RETURNS {position of the last one looked at, or '' when there are no more}, then per living subscription its id, header,
--         place, due at, attempt, lease end or dead letter, entry of its last attempt in the log or '', address, when its
--         subscriber is asked to confirm or -1, options of one with a filter policy or ''
--         place  'later' created after the message   'event' not fanned out to it yet   'leased'   'dead'   'none', and of
--                what waits why: disabled paused breaker host ordered retry scheduled digest limit window due
-- COST    under 1 ms: what waits is found by trying the numbers of its attempt, if `turns` does not know it
local position = ARGV[4]
local subscriptions = call('ZRANGEBYSCORE', KEYS[8], '(' .. ARGV[5], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[6])
local answer = { #subscriptions == 2 * tonumber(ARGV[6]) and subscriptions[#subscriptions] or '' }

-- Behind which subscription the message has still to be fanned out; nil when it has been, to all. The events of a queue
-- go in their order, and only the first may be half way.
local function pending_from()
    local event = call('LINDEX', KEYS[1], 0)
    if not event then return nil end
    local number, first, at = tonumber(position), struct.unpack(EVENT_HEAD, event)
    if number < first then return nil end
    local last = first - 1
    while at <= #event do
        local length, from = struct.unpack(EVENT_LENGTH, event, at)
        last, at = last + 1, from + length
    end
    return number > last and 0 or tonumber(call('HGET', KEYS[2], ARGV[3]) or 0)
end
local pending = pending_from()
local is_held = call('HEXISTS', KEYS[5], position) == 1

-- The newest entry of the message in a subscription's log.
local function last_attempt(subscription)
    local counts = call('HGET', KEYS[7], subscription)
    if not counts then return '' end
    local succeeded, failed = struct.unpack(LOG_COUNTS, counts)
    local ring, sought = call('GET', log_key(subscription)) or '', struct.pack(LOG_POSITION, position)
    for number = succeeded + failed - 1, math.max(succeeded + failed - LOG_ENTRIES, 0), -1 do
        local at = number % LOG_ENTRIES * ENTRY_BYTES
        if string.sub(ring, at + LOG_POSITION_FROM, at + LOG_POSITION_TO) == sought then return string.sub(ring, at + 1, at + ENTRY_BYTES) end
    end
    return ''
end

local turns = {}
for attempt = 1, TRIED_ATTEMPTS do turns[attempt] = tostring(attempt) end

-- The turn of a delivery that is one of the members: its score, and the number of its attempt.
local function find(key, before, rare)
    local tried = rare and { rare } or turns
    local members = {}
    for index, turn in ipairs(tried) do members[index] = before .. position .. ':' .. turn end
    for index, score in ipairs(call('ZMSCORE', key, unpack(members))) do
        if score then return tonumber(score), tried[index] end
    end
end

local function attempt_of(turn)
    return tonumber(string.match(turn, '^%d+')) % FENCE
end

-- Why a delivery that waits does, and when that ends; nil when it ends by a request only.
local function hold_of(subscription, header, due, turn)
    local out, window, more = flow_of(call('HGET', KEYS[3], subscription))
    if more and more.x then return 'disabled' end
    if more and more.p then return 'paused' end
    if more and more.unread then return 'unreadable' end
    local slots, at = free_slots(header, out, window, more)
    if more and (more.b or 0) > now then return 'breaker', math.max(due, more.b) end
    if more and more.h and (more.h > now or (slots <= 0 and more.h + PROBED > now)) then
        return 'host', math.max(due, more.h, now)
    end
    if more and (more.w or 0) > now then return 'ordered', math.max(due, more.w) end
    if due > now and more and more.g == due then return 'digest', due end
    if due > now then return attempt_of(turn) > 1 and 'retry' or 'scheduled', due end
    if is_ordered(header) and (out > 0 or call('ZRANGE', due_key(subscription), 0, 0)[1] ~= position .. ':' .. turn) then
        return 'ordered', now
    end
    if slots > 0 then return 'due', math.max(due, now) end
    if window > out and not digest_of(header, more) then return 'limit', at end
    return 'window', now
end

-- The address of a subscription, when it is asked to confirm, -1 when no question waits for its time, and its options where they
-- have a filter policy.
local function record_of(subscription, header)
    local record = call('HGET', KEYS[12], subscription)
    if not record then return '', -1, '' end
    local address, options_from = address_of(record)
    local _, _, _, _, barred = life_of(record)
    local question = ARGV[7] .. '|' .. subscription .. '|' .. text(barred) .. '|' .. address
    local at = tonumber(call('ZSCORE', KEYS[13], question))
    return address, at and at > now and at or -1, string.byte(header, HEADER_RULES_AT) > ASCII_1 and string.sub(record, options_from) or ''
end

for index = 1, #subscriptions, 2 do
    local subscription, created = subscriptions[index], tonumber(subscriptions[index + 1])
    local header = call('HGET', KEYS[6], subscription)
    if is_alive(header) then
        local place, at, attempt, detail = 'none', -1, 0, ''
        local member = subscription .. '|' .. position
        local ends, leased, due, waiting
        if is_held then
            local rare = call('HGET', KEYS[11], member)
            ends, leased = find(KEYS[4], subscription .. '|', rare)
            due, waiting = find(due_key(subscription), '', rare)
        end
        local entry = call('HGET', KEYS[10], member)
        if created > tonumber(position) then
            place = 'later'
        elseif ends then
            place, attempt, detail = 'leased', attempt_of(leased), text(ends)
        elseif due then
            place, at = hold_of(subscription, header, due, waiting)
            at, attempt = at or -1, attempt_of(waiting)
        elseif entry then
            place, detail, at = 'dead', entry, tonumber(call('ZSCORE', KEYS[9], member)) or -1
        elseif pending and created > pending then
            place = 'event'
        end
        local address, asked, options = record_of(subscription, header)
        local last = last_attempt(subscription)
        for _, part in ipairs({ subscription, header, place, at, attempt, detail, last, address, asked, options }) do
            answer[#answer + 1] = part
        end
    end
end
return answer
