-- lease.lua: lease deliveries that waited and are due: the project served longest ago first, some subscriptions of
-- each, each up to the room in its window.
-- KEYS    1 flow   2 fly   3 pay   4 rp   5 subh   and by name: due r
-- ARGV    1 now   2 prefix   3 capacity, at most 1000   4 lease, ms   5 projects   6 subscriptions of a project
-- RETURNS {now, end of the leases}, then subscription, header, `position:attempt`, record ...
-- COST    k log n for k leases: 11 us for one, 8 each in bulk; it stops early past 4 MiB of payload
local capacity, lease_end, bytes = tonumber(ARGV[3]), now + tonumber(ARGV[4]), 4 * 1048576
local answer, flying, flow = { now, lease_end }, {}, {}

-- Leases what one subscription has room for; returns when to look at it again, nil when nothing of it waits.
local function serve(subscription, header, value)
    local out, window = flow_of(value)
    local room, key = math.min(window - out, capacity), due_key(subscription)
    if room > 0 then
        local due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, room)
        if #due > 0 then
            local positions = {}
            for index, member in ipairs(due) do positions[index] = string.match(member, '^%d+') end
            local records = call('HMGET', KEYS[3], unpack(positions))
            for index, member in ipairs(due) do
                flying[#flying + 1] = lease_end
                flying[#flying + 1] = subscription .. '|' .. member
                answer[#answer + 1] = subscription
                answer[#answer + 1] = header
                answer[#answer + 1] = member
                local record = records[index] or ''
                answer[#answer + 1] = record
                bytes = bytes - #record
            end
            call('ZREM', key, unpack(due))
            out, capacity = out + #due, capacity - #due
            flow[#flow + 1] = subscription
            flow[#flow + 1] = out .. ' ' .. window
        end
    end
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not first[2] then return nil end
    return math.max(tonumber(first[2]), out < window and now or now + PARKED)
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
return answer
