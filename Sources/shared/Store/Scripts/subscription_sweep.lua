-- subscription_sweep.lua: end the deliveries of ended subscriptions, then remove these.
-- KEYS    1 subscription-expiries   2 subscriptions   3 subscription-headers   4 pacing   5 payloads
--         6 payload-references   7 attempt-counts   8 turns   9 payload-expiries   10 waiting-counts   11 delivery-sweeps
--         12 expired-counts   13 delivery-sweep-marks   14 trusts   15 ended-trusts   and by name: subscription-order
--         subscriber-addresses due ready-subscriptions attempt-log usage held-subscriptions
-- ARGV    1 now   2 prefix   3 limit, at most 500 deliveries
-- RETURNS {deliveries ended, subscriptions removed, 1: more are due now}
-- COST    k log n for k deliveries; at most 50 subscriptions
local left, dropped, removed, ended = tonumber(ARGV[3]), 0, 0, {}
local subscriptions = call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 50)
if #subscriptions == 0 then return { 0, 0, 0 } end
local headers = call('HMGET', KEYS[3], unpack(subscriptions))
begin_at_limit(KEYS[1])

-- Whether nothing refers to the subscription any more.
local function drain(subscription, project)
    local key = due_key(subscription)
    local due = call('ZRANGE', key, 0, left - 1)
    if #due > 0 then
        for _, member in ipairs(due) do
            local position, turn = string.match(member, '^(%d+):(.*)$')
            ended[position] = (ended[position] or 0) + 1
            if is_rare(turn) then call('HDEL', KEYS[8], subscription .. '|' .. position) end
        end
        call('ZREM', key, unpack(due))
        count_held(subscription, true)
        count_waiting(KEYS[10], project, -#due)
        left, dropped = left - #due, dropped + #due
    end
    return call('EXISTS', key) == 0
end

local function remove(subscription, queue)
    local record = call('HGET', KEYS[2], subscription)
    if record then
        local address = address_of(record)
        count_ended(prefix .. KEYS_USAGE .. project_of(queue), subscription)
        if call('HGET', address_key(queue), address) == subscription then call('HDEL', address_key(queue), address) end
    end
    end_trust(KEYS[14], KEYS[15], subscription, 0)
    for _, number in ipairs({ 2, 3, 4, 7, 12, 13 }) do call('HDEL', KEYS[number], subscription) end
    count_held(subscription, nil)
    call('DEL', log_key(subscription))
    call('ZREM', order_key(queue), subscription)
    call('ZREM', ready_key(project_of(queue)), subscription)
    call('ZREM', KEYS[11], subscription, '>' .. subscription)
    call('ZREM', KEYS[1], subscription)
    removed = removed + 1
end

for index, subscription in ipairs(subscriptions) do
    if left == 0 then break end
    local header = headers[index]
    if not header then
        call('ZREM', KEYS[1], subscription)
    elseif drain(subscription, project_of(queue_of(header))) then
        local is_closed = call('TYPE', order_key(queue_of(header))).ok == 'string'
        if not is_closed and flow_of(call('HGET', KEYS[4], subscription)) == 0 then
            remove(subscription, queue_of(header))
        else
            -- Attempts are still out, or its queue moves; their end is the end of the subscription, a look from now.
            call('ZADD', KEYS[1], now + 1000, subscription)
        end
    end
end
end_deliveries(KEYS[5], KEYS[6], KEYS[9], ended)
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { dropped, removed, first[2] and tonumber(first[2]) <= now and 1 or 0 }
