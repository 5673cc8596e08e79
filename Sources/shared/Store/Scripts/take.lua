-- take.lua: fan out the oldest events of a shard: a page of eligible subscriptions becomes deliveries, and those that
-- fit the subscription's window and the worker's capacity are leased in the same step. The rest wait as records. One event
-- may be half way through its pages; those of other queues behind it that need no more than what is left go on meanwhile.
-- KEYS    1 ev   2 cur   3 flow   4 fly   5 pay   6 ref   7 rp   8 subh   and by name: so due r meta
-- ARGV    1 now   2 prefix   3 events   4 deliveries of a page, at most 1000   5 lease, ms
--         6 1: only confirmed subscriptions   7 capacity   8 most of a project
--         9 how many projects have a number of their own, at most 256, then project, number of each
-- RETURNS {now, end of the leases, 1: call again}, then per event with leases: first position, retry policy of the
--         queue or '', {record ...}, {subscription, header, index of the message from 1 ...}
-- COST    page x log n: 15 us for an event of one delivery, 2.7 each in a wide fan-out; a page of 200 about 1 ms
local allowance = allowance_at(7)
local page, lease_end = tonumber(ARGV[4]), text(now + tonumber(ARGV[5]))
local answer = { now, tonumber(lease_end), 0 }

-- The mark says which event is half way through its pages, and behind which subscription the next page starts.
local marked, marked_score
local mark = call('GET', KEYS[2])
if mark then marked, marked_score = string.match(mark, '^(%d+) (.+)$') end

-- Turns one page of one event into deliveries; returns how many were eligible, and the leases.
local function expand(queue, positions, subscriptions)
    local project = project_of(queue)
    local capacity = math.min(allowance.left, share_of(allowance, project))
    local granted = capacity
    local headers = call('HMGET', KEYS[8], unpack(subscriptions))
    local flows = call('HMGET', KEYS[3], unpack(subscriptions))
    local ready = call('ZMSCORE', ready_key(project), unpack(subscriptions))
    local eligible, leases, flying, flow, waking, wake_first = 0, {}, {}, {}, {}, nil
    for index, subscription in ipairs(subscriptions) do
        local header = headers[index]
        if is_alive(header) and (ARGV[6] ~= '1' or string.sub(header, 16, 16) == '1') then
            eligible = eligible + 1
            local out, window, more = flow_of(flows[index])
            local before, ready_at, ordered = out, tonumber(ready[index]), is_ordered(header)
            local room, at = room_of(header, out, window, more)
            -- Nobody overtakes what is due already, nor, in an ordered one, what waits at all: attempts start in post order.
            if ready_at and (ordered or ready_at <= now) then room = 0 end
            local due = {}
            for message, position in ipairs(positions) do
                if room > 0 and capacity > 0 then
                    flying[#flying + 1] = lease_end
                    flying[#flying + 1] = subscription .. '|' .. position .. ':1'
                    leases[#leases + 1] = subscription
                    leases[#leases + 1] = header
                    leases[#leases + 1] = message
                    out, room, capacity = out + 1, room - 1, capacity - 1
                else
                    room = 0
                    -- Of an ordered one the position alone is the order.
                    due[#due + 1] = ordered and 0 or now
                    due[#due + 1] = position .. ':1'
                end
            end
            if out > before then
                more = spend(header, more, out - before)
                flow[#flow + 1] = subscription
                flow[#flow + 1] = flow_text(out, window, more)
            end
            if #due > 0 then
                call('ZADD', due_key(subscription), unpack(due))
                room, at = room_of(header, out, window, more)
                if room > 0 then at = now end
                if not ready_at or at < ready_at then
                    waking[#waking + 1] = at
                    waking[#waking + 1] = subscription
                    wake_first = math.min(wake_first or at, at)
                end
            end
        end
    end
    hand_out(allowance, project, granted - capacity)
    if #flying > 0 then
        in_chunks('ZADD', KEYS[4], flying)
        in_chunks('HSET', KEYS[3], flow)
    end
    if #waking > 0 then
        in_chunks('ZADD', ready_key(project), waking)
        call('ZADD', KEYS[7], 'LT', wake_first, project)
    end
    return eligible, leases
end

-- Counts a page's deliveries of each message. While pages are to come the mark itself holds on to the payload, as one
-- more; a count of one is not written.
local function hold(positions, records, eligible, is_first, is_last)
    if is_first and (eligible > 0 or not is_last) then
        local payload = {}
        for index, position in ipairs(positions) do
            payload[#payload + 1] = position
            payload[#payload + 1] = records[index]
        end
        in_chunks('HSET', KEYS[5], payload)
    end
    if is_first then
        local count = eligible + (is_last and 0 or 1)
        if count > 1 or not is_last then
            for _, position in ipairs(positions) do call('HSET', KEYS[6], position, count) end
        end
    else
        local change = eligible - (is_last and 1 or 0)
        for _, position in ipairs(positions) do
            if call('HINCRBY', KEYS[6], position, change) == 0 then
                call('HDEL', KEYS[5], position)
                call('HDEL', KEYS[6], position)
            end
        end
    end
end

-- The event half way has a page for itself, and the others one together, before it: its leases would take all the capacity.
-- What cannot be fanned out whole waits until the mark is free, and with it all that is behind it in its queue: attempts
-- start in post order.
local work, finished, held_up = 0, {}, {}
local events = call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[3])
if marked and events[1] and events[1][1] == marked .. '-0' then
    held_up[events[1][2][2]] = true
    table.insert(events, table.remove(events, 1))
else
    marked = nil
end
for _, event in ipairs(events) do
    local id, fields = string.sub(event[1], 1, -3), event[2]
    local queue, positions, records = fields[2], {}, {}
    for index = 4, #fields, 2 do
        positions[#positions + 1] = text(tonumber(id) + #positions)
        records[#records + 1] = fields[index]
    end
    local is_first = id ~= marked
    if is_first and work >= page then held_up[queue] = true end
    local rows = math.max(1, math.floor((is_first and page - work or page) / #positions))
    -- Only subscriptions older than the event: positions of both come from the same counter.
    local subscriptions = call('ZRANGEBYSCORE', order_key(queue), is_first and '-inf' or '(' .. marked_score, '(' .. id,
        'LIMIT', 0, rows)
    local is_last = #subscriptions < rows
    if is_first and (held_up[queue] or (marked and not is_last)) then
        held_up[queue] = true
    else
        local eligible, leases = 0, {}
        if #subscriptions > 0 then eligible, leases = expand(queue, positions, subscriptions) end
        hold(positions, records, eligible, is_first, is_last)
        if is_first then work = work + #subscriptions * #positions end
        if #leases > 0 then
            for _, part in ipairs({ id, policy_of(queue), records, leases }) do answer[#answer + 1] = part end
        end
        if is_last then
            if not is_first then
                call('DEL', KEYS[2])
                marked = nil
            end
            finished[#finished + 1] = id
        else
            local score = call('ZSCORE', order_key(queue), subscriptions[#subscriptions])
            call('SET', KEYS[2], id .. ' ' .. score)
            marked, held_up[queue] = id, true
        end
    end
end
if #finished > 0 then call('XDEL', KEYS[1], unpack(finished)) end
if call('XLEN', KEYS[1]) > 0 then answer[3] = 1 end
return answer
