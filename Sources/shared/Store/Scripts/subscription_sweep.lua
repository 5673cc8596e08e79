-- subscription_sweep.lua: end the deliveries of ended subscriptions, as dead letters where their time was over, then remove these.
-- KEYS    1 subscription-expiries   2 subscriptions   3 subscription-headers   4 pacing   5 payloads
--         6 payload-references   7 attempt-counts   8 turns   9 payload-expiries   10 waiting-counts   11 delivery-sweeps
--         12 expired-counts   13 delivery-sweep-marks   14 trusts   15 ended-trusts   and by name: subscription-order
--         subscriber-addresses due ready-subscriptions attempt-log usage held-subscriptions dead-letters dead-letter-entries
--         dead-letter-records dead-letter-bytes dead-letter-oldest meta
-- ARGV    1 now   2 prefix   3 limits   4 limit, at most 500 deliveries
-- RETURNS {deliveries ended, subscriptions removed, 1: more are due now, of the deliveries dead letters, dead letters dropped}
-- COST    k log n for k deliveries; at most 50 subscriptions
local left, dropped, removed, kept, ended = tonumber(ARGV[4]), 0, 0, 0, {}
-- Of the messages that are looked at: a call reads no more of them.
local bytes = 4 * 1048576
local subscriptions = call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 50)
if #subscriptions == 0 then return { 0, 0, 0, 0, 0 } end
local headers = call('HMGET', KEYS[3], unpack(subscriptions))
begin_at_limit(KEYS[1])

-- Whether its queue has an event from before its end, which is still to be fanned out: it becomes dead letters there.
local first_events = {}
local function is_awaited(header)
    local queue, over = queue_of(header), tonumber(string.sub(header, 1, HEADER_EXPIRES_TO))
    if over == 0 or limit('keeps_ended') == 0 then return false end
    if first_events[queue] == nil then
        local event = call('LINDEX', events_key(queue), 0)
        bytes = bytes - #(event or '')
        first_events[queue] = event and struct.unpack(EVENT_HEAD, event) or false
    end
    return first_events[queue] and math.floor(first_events[queue] / 2048) < over
end

-- Whether nothing refers to the subscription any more. Where its queue is in another store by now, no dead letter is kept here.
local function drain(subscription, header)
    local queue = queue_of(header)
    local key, project, due = due_key(subscription), project_of(queue), {}
    local is_here = call('EXISTS', queue_key(queue, PART_META)) == 1
    local members = call('ZRANGE', key, 0, left - 1)
    if #members > 0 then
        for _, member in ipairs(members) do
            if bytes <= 0 then
                left = 0
                break
            end
            due[#due + 1] = member
            local position, turn = string.match(member, '^(%d+):(.*)$')
            local record = call('HGET', KEYS[5], position) or ''
            bytes = bytes - #record
            if is_here and dead_letters().keep_ended(subscription, header, position, text(string.match(turn, '^%d+') - 1), record) then
                kept = kept + 1
            end
            ended[position] = (ended[position] or 0) + 1
            if is_rare(turn) then call('HDEL', KEYS[8], subscription .. '|' .. position) end
        end
        call('ZREM', key, unpack(due))
        count_held(subscription, true)
        count_waiting(KEYS[10], project, -#due)
        left, dropped = math.max(0, left - #due), dropped + #due
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
    else
        -- Nothing named for a queue that moves can be read.
        local is_closed = call('TYPE', order_key(queue_of(header))).ok == 'string'
        if is_closed or drain(subscription, header) then
            if not is_closed and flow_of(call('HGET', KEYS[4], subscription)) == 0 and not is_awaited(header) then
                remove(subscription, queue_of(header))
            else
                -- Its queue moves, events are to be fanned out, or attempts are still out, whose end is the end of the
                -- subscription: a look from now.
                call('ZADD', KEYS[1], now + 1000, subscription)
            end
        end
    end
end
end_deliveries(KEYS[5], KEYS[6], KEYS[9], ended)
local first = call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return { dropped, removed, first[2] and tonumber(first[2]) <= now and 1 or 0, kept, kept > 0 and dead_letters().trim() or 0 }
