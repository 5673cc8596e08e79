-- leasing.lua: hands out deliveries that waited; the house puts it behind pace.lua where that is done.
-- KEYS    1 flow   2 fly   3 pay   4 rp   5 subh   and by name: due r meta
-- ARGV    1 now   2 prefix
-- RETURNS nothing: it defines `lease_due`
-- COST    under a microsecond; a call of it k log n for k leases: 11 us for one, 5 each in bulk

-- What waited before its subscription was ordered has a time where now the position counts: brings some of it in line.
-- Returns the latest of those times, and whether none is left; the retries among them are not to start before.
local function line_up(key)
    local waiting, lined = call('ZRANGEBYSCORE', key, '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, 500), {}
    for index = 1, #waiting, 2 do
        lined[index], lined[index + 1] = 0, waiting[index]
    end
    in_chunks('ZADD', key, lined)
    return tonumber(waiting[#waiting]), #waiting < 1000
end

-- Leases what one subscription has room for, into `batch`; returns when to look at it again, nil when nothing of it waits.
local function serve(batch, subscription, header, value)
    local out, window, more = flow_of(value)
    local key = due_key(subscription)
    if is_ordered(header) then
        local latest, is_whole = line_up(key)
        if latest and latest > now then
            more = more or {}
            more.w = math.max(more.w or 0, latest)
            call('HSET', KEYS[1], subscription, flow_text(out, window, more))
        end
        if not is_whole then return now end
    end
    local room, at = room_of(header, out, window, more)
    room = math.min(room, batch.capacity)
    if room > 0 then
        local due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, room)
        if #due > 0 then
            local positions, leases, flying = {}, {}, batch.flying
            for index, member in ipairs(due) do positions[index] = string.match(member, '^%d+') end
            local records = call('HMGET', KEYS[3], unpack(positions))
            for index, member in ipairs(due) do
                local record = records[index] or ''
                flying[#flying + 1] = batch.lease_end
                flying[#flying + 1] = subscription .. '|' .. member
                leases[2 * index - 1], leases[2 * index] = member, record
                batch.bytes = batch.bytes - #record
            end
            for _, part in ipairs({ subscription, header, policy_of(queue_of(header)), leases }) do
                table.insert(batch.answer, part)
            end
            call('ZREMRANGEBYRANK', key, 0, #due - 1)
            out, more = out + #due, spend(header, more, #due)
            batch.capacity = batch.capacity - #due
            table.insert(batch.flow, subscription)
            table.insert(batch.flow, flow_text(out, window, more))
            room, at = room_of(header, out, window, more)
        end
    end
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not first[2] then return nil end
    return math.max(tonumber(first[2]), room > 0 and now or at)
end

-- Leases up to `capacity` deliveries that waited and are due, for `length` ms: the project served longest ago first, some
-- subscriptions of each, each up to the room in its window. It stops early past 4 MiB of payload.
--
-- Returns {now, end of the leases, when something is due next or -1}, then per subscription: subscription, header, retry
-- policy of the queue or '', {member, record ...}; member: position:attempt, and :times a lease of it lapsed, if any did.
local function lease_due(capacity, length, projects, subscriptions_of_each)
    local lease_end = now + length
    local batch = {
        capacity = tonumber(capacity), bytes = 4 * 1048576, lease_end = text(lease_end), flying = {}, flow = {},
        answer = { now, lease_end, -1 },
    }
    for _, project in ipairs(call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, projects)) do
        if batch.capacity <= 0 or batch.bytes <= 0 then break end
        local ready = ready_key(project)
        local subscriptions = call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, subscriptions_of_each)
        if #subscriptions > 0 then
            local headers = call('HMGET', KEYS[5], unpack(subscriptions))
            local flows = call('HMGET', KEYS[1], unpack(subscriptions))
            for index, subscription in ipairs(subscriptions) do
                if batch.capacity <= 0 or batch.bytes <= 0 then break end
                -- What waits for an ended subscription is never handed out: the sweep lets it go.
                local at = is_alive(headers[index]) and serve(batch, subscription, headers[index], flows[index])
                if at then call('ZADD', ready, at, subscription) else call('ZREM', ready, subscription) end
            end
        end
        local first = call('ZRANGE', ready, 0, 0, 'WITHSCORES')
        if first[2] then
            call('ZADD', KEYS[4], math.max(tonumber(first[2]), now), project)
        else
            call('ZREM', KEYS[4], project)
        end
    end
    if #batch.flying > 0 then
        in_chunks('ZADD', KEYS[2], batch.flying)
        in_chunks('HSET', KEYS[1], batch.flow)
    end
    batch.answer[3] = tonumber(call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2] or -1)
    return batch.answer
end
