-- lease.lua: lease deliveries that waited and are due: the project served longest ago first, some subscriptions of
-- each, each up to the room in its window.
-- KEYS    1 flow   2 fly   3 pay   4 rp   5 subh   and by name: due r meta
-- ARGV    1 now   2 prefix   3 capacity, at most 1000   4 lease, ms   5 projects   6 subscriptions of a project
-- RETURNS {now, end of the leases, when something is due next or -1}, then per subscription: subscription, header, retry
--         policy of the queue or '', {member, record ...}
--         member  position:attempt, and :times a lease of it lapsed, if any did
-- COST    k log n for k leases: 11 us for one, 8 each in bulk; it stops early past 4 MiB of payload
local capacity, lease_end, bytes = tonumber(ARGV[3]), text(now + tonumber(ARGV[4])), 4 * 1048576
local answer, flying, flow = { now, tonumber(lease_end), -1 }, {}, {}

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

-- Leases what one subscription has room for; returns when to look at it again, nil when nothing of it waits.
local function serve(subscription, header, value)
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
    room = math.min(room, capacity)
    if room > 0 then
        local due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, room)
        if #due > 0 then
            local positions = {}
            for index, member in ipairs(due) do positions[index] = string.match(member, '^%d+') end
            local records, leases = call('HMGET', KEYS[3], unpack(positions)), {}
            for index, member in ipairs(due) do
                local record = records[index] or ''
                flying[#flying + 1] = lease_end
                flying[#flying + 1] = subscription .. '|' .. member
                leases[2 * index - 1], leases[2 * index] = member, record
                bytes = bytes - #record
            end
            for _, part in ipairs({ subscription, header, policy_of(queue_of(header)), leases }) do
                answer[#answer + 1] = part
            end
            call('ZREMRANGEBYRANK', key, 0, #due - 1)
            out, capacity, more = out + #due, capacity - #due, spend(header, more, #due)
            flow[#flow + 1] = subscription
            flow[#flow + 1] = flow_text(out, window, more)
            room, at = room_of(header, out, window, more)
        end
    end
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not first[2] then return nil end
    return math.max(tonumber(first[2]), room > 0 and now or at)
end

for _, project in ipairs(call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, ARGV[5])) do
    if capacity <= 0 or bytes <= 0 then break end
    local ready = ready_key(project)
    local subscriptions = call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, ARGV[6])
    if #subscriptions > 0 then
        local headers = call('HMGET', KEYS[5], unpack(subscriptions))
        local flows = call('HMGET', KEYS[1], unpack(subscriptions))
        for index, subscription in ipairs(subscriptions) do
            if capacity <= 0 or bytes <= 0 then break end
            -- What waits for an ended subscription is never handed out: the sweep lets it go.
            local at = is_alive(headers[index]) and serve(subscription, headers[index], flows[index])
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
if #flying > 0 then
    in_chunks('ZADD', KEYS[2], flying)
    in_chunks('HSET', KEYS[1], flow)
end
answer[3] = tonumber(call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2] or -1)
return answer
