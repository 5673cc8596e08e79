-- delivery_sweep.lua: end deliveries that wait when the life of their message does. Each leaves a dead letter without a
-- body, within the bounds of its queue and project.
-- KEYS    1 delivery-sweeps   2 subscription-headers   3 payloads   4 payload-references   5 payload-expiries
--         6 waiting-counts   7 turns   8 expired-counts   9 delivery-sweep-marks   and by name: due dead-letters
--         dead-letter-entries dead-letter-records dead-letter-bytes dead-letter-oldest held-subscriptions
-- ARGV    1 now   2 prefix   3 limits   4 deliveries looked at, at most 500
-- RETURNS {deliveries that ended, dead letters dropped, 1: more are due now}
-- COST    k log n for k deliveries looked at; at most 50 subscriptions, and payloads of 1 MiB that no other call looked at
--
-- A look at all that waits for a subscription may take several calls. Until it is over it has an entry of its own in
-- `delivery-sweeps`, `>` and the subscription, and a mark of the last delivery it saw. What comes to wait meanwhile, perhaps in
-- front of the mark, is registered beside that for the next look.
local left, bytes = tonumber(ARGV[4]), 1048576
local looks, lived, records = {}, {}, {}

local function record_of(position)
    if records[position] == nil then
        local record = call('HGET', KEYS[3], position)
        bytes = bytes - (record and #record or 0)
        records[position] = record and { end_of(record, position) } or false
    end
    return records[position]
end

-- Everything is read first: nothing can fail once it writes.
for _, entry in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 50)) do
    if left <= 0 or bytes <= 0 then break end
    local subscription = string.match(entry, '^>?(.*)$')
    local header, key = call('HGET', KEYS[2], subscription), due_key(subscription)
    local look = { entry = entry, subscription = subscription, key = key, ended = {} }
    looks[#looks + 1] = look
    local least, score, last = string.match(call('HGET', KEYS[9], subscription) or '', '^(%S+) (%S+) (.+)$')
    least = tonumber(least) or math.huge
    if last and entry == subscription then
        -- A look is half way: the next one begins when it is over.
        look.at = now + 1000
    -- Of one that has ended the other sweep takes everything.
    elseif is_alive(header) then
        -- One that has become ordered has its members moved to the front, to score 0.
        if score ~= '0' and is_ordered(header) then last = nil end
        local rank = last and rank_behind(key, score, last) or 0
        local members, rows = {}, call('ZRANGE', key, rank, rank + left - 1, 'WITHSCORES')
        look.queue = queue_of(header)
        local positions, looked, asked = {}, 0, left
        for index = 1, #rows, 2 do
            members[#members + 1] = rows[index]
            positions[#members] = string.match(rows[index], '^%d+')
        end
        local ends = #members > 0 and call('ZMSCORE', KEYS[5], unpack(positions))
        for index, member in ipairs(members) do
            if bytes <= 0 then break end
            local position, at = positions[index], tonumber(ends[index])
            if not at then
                local known = record_of(position)
                at = known and known[1] or 0
                if known and at > now then
                    lived[#lived + 1] = at
                    lived[#lived + 1] = position
                end
            end
            looked = looked + 1
            if at <= now then
                look.ended[#look.ended + 1] = member
                record_of(position)
            else
                least = math.min(least, at)
            end
        end
        left = left - looked
        if looked < #members or #members == asked then
            look.mark = (least == math.huge and 'inf' or text(least)) .. ' ' .. rows[2 * looked] .. ' ' .. members[looked]
        else
            -- The longer it takes to look at all that waits, the less often that is done.
            local waiting = call('ZCARD', key) - #look.ended
            if waiting > 0 then
                local registered = entry ~= subscription and tonumber(call('ZSCORE', KEYS[1], subscription)) or math.huge
                least = math.min(least, registered)
                look.at = math.max(least == math.huge and 0 or least, now + 1000 + math.floor(waiting / 10))
            end
        end
    end
end
if #looks == 0 then return { 0, 0, 0 } end

begin_at_limit(KEYS[1])
local swept, ended = 0, {}
for _, look in ipairs(looks) do
    local count = #look.ended
    if count > 0 then
        call('ZREM', look.key, unpack(look.ended))
        for _, member in ipairs(look.ended) do
            local position, turn = string.match(member, '^(%d+):(.*)$')
            ended[position] = (ended[position] or 0) + 1
            if is_rare(turn) then call('HDEL', KEYS[7], look.subscription .. '|' .. position) end
            local kind = records[position] and records[position][2] or 0
            if kind == 0 then
                dead_letters().keep(look.subscription, look.queue, position, text(string.match(turn, '^%d+') - 1), 0, 'expired',
                    'waited until its message ended')
            end
        end
        count_held(look.subscription, true)
        swept = swept + count
        count_waiting(KEYS[6], project_of(look.queue), -count)
        call('HINCRBY', KEYS[8], look.subscription, count)
    end
    if look.mark then
        call('HSET', KEYS[9], look.subscription, look.mark)
        if look.entry == look.subscription then call('ZREM', KEYS[1], look.entry) end
        call('ZADD', KEYS[1], now, '>' .. look.subscription)
    elseif look.entry == look.subscription then
        if look.at then call('ZADD', KEYS[1], look.at, look.entry) else call('ZREM', KEYS[1], look.entry) end
    else
        call('HDEL', KEYS[9], look.subscription)
        call('ZREM', KEYS[1], look.entry)
        if look.at then call('ZADD', KEYS[1], look.at, look.subscription) end
    end
end
in_chunks('ZADD', KEYS[5], lived)
end_deliveries(KEYS[3], KEYS[4], KEYS[5], ended)
local dropped, first = swept > 0 and dead_letters().trim() or 0, call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { swept, dropped, first[2] and tonumber(first[2]) <= now and 1 or 0 }
