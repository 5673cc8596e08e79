-- backlog_get.lua: count what waits in a shard, by what it waits for, and its subscriptions.
-- KEYS    1 leases   2 fanout-projects   3 ready-projects   4 waiting-counts   5 subscription-headers   6 pacing
--         7 subscription-expiries   and by name: fanout-queues events ready-subscriptions due held-subscriptions meta
-- ARGV    1 now   2 prefix   3 subscriptions looked at, at most 1000, and as many queues with events
-- RETURNS {events, ms that the oldest waits or -1, leases in force, leases that lapsed, deliveries that are due and may start,
--         ms that the oldest of them is due or -1, due and held back by order, window, rate or host, ms that the oldest of them
--         is due or -1, due later, of subscriptions that have ended or were not looked at, then deliveries and subscriptions of
--         each hold: disabled, paused, breaker, then subscriptions that live, and that have ended and are not swept}
-- COST    10 us for each subscription looked at, 4 for each queue, on a busy machine: 4 ms with 250 of each; of heads of events
--         1 MiB is read
local most, age_of_events, events, bytes = tonumber(ARGV[3]), -1, 0, 1048576

-- Events of queues, those whose turn is next first. Where heads are large the turn of a queue, which is younger, stands for its
-- oldest event; a queue that is not looked at has one event at least.
local left = most
for _, project in ipairs(call('ZRANGE', KEYS[2], 0, most - 1)) do
    local queues = left > 0 and call('ZRANGE', fanout_key(project), 0, left - 1, 'WITHSCORES') or {}
    local seen = #queues / 2
    for index = 1, #queues, 2 do
        local position, key = tonumber(queues[index + 1]), events_key(queues[index])
        events = events + call('LLEN', key)
        local head = bytes > 0 and call('LINDEX', key, 0)
        if head then
            bytes, position = bytes - #head, struct.unpack(EVENT_HEAD, head)
        end
        age_of_events = math.max(age_of_events, now - math.floor(position / 2048), 0)
    end
    left = left - seen
    if left <= 0 then events = events + call('ZCARD', fanout_key(project)) - seen end
end

-- Deliveries of subscriptions without a hold, those that may be looked at first.
local ready, ready_age, held, held_age, later, seen = 0, -1, 0, -1, 0, 0
local function look(subscription, look_at, header, pacing)
    if not is_alive(header) or hold_of(pacing) then return end
    local key = due_key(subscription)
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not first[2] then return end
    local waits, is_due = call('ZCARD', key), call('ZCOUNT', key, '-inf', now)
    later, seen = later + waits - is_due, seen + waits
    if is_due == 0 then return end
    -- In an ordered one the position alone is the order. What was attempted or sent again is due when it may be looked at.
    local position, due = string.match(first[1], '^(%d+):1$'), tonumber(first[2])
    if due == 0 then due = position and math.floor(tonumber(position) / 2048) or look_at end
    local age, slots = math.max(now - due, 0), free_slots(header, flow_of(pacing))
    if slots > 0 then
        ready, ready_age = ready + is_due, math.max(ready_age, age)
    else
        held, held_age = held + is_due, math.max(held_age, age)
    end
end
left = most
for _, range in ipairs({ { '-inf', now }, { '(' .. now, '+inf' } }) do
    -- A project is due as soon as one of its subscriptions is.
    local projects = call('ZRANGEBYSCORE', KEYS[3], '-inf', range[2], 'LIMIT', 0, most)
    for _, project in ipairs(projects) do
        if left <= 0 then break end
        local found = call('ZRANGEBYSCORE', ready_key(project), range[1], range[2], 'WITHSCORES', 'LIMIT', 0, left)
        local names = {}
        for index = 1, #found, 2 do names[#names + 1] = found[index] end
        if #names > 0 then
            left = left - #names
            local headers, pacings = call('HMGET', KEYS[5], unpack(names)), call('HMGET', KEYS[6], unpack(names))
            for index, name in ipairs(names) do look(name, tonumber(found[2 * index]), headers[index], pacings[index]) end
        end
    end
end

-- What waits in all: of more projects than are added up, what was seen.
local holds, of_holds, waiting = {}, 0, 0
for _, hold in ipairs({ 'disabled', 'paused', 'breaker' }) do
    local key = prefix .. KEYS_HELD_SUBSCRIPTIONS .. hold
    local deliveries = tonumber(call('HGET', key, '') or 0)
    of_holds = of_holds + deliveries
    holds[#holds + 1] = deliveries
    holds[#holds + 1] = call('HLEN', key) - (deliveries > 0 and 1 or 0)
end
if call('HLEN', KEYS[4]) <= 10000 then
    for _, count in ipairs(call('HVALS', KEYS[4])) do waiting = waiting + count end
end
-- What a notifier left behind may start as soon as another one looks.
local lapsed, ended = call('ZCOUNT', KEYS[1], '-inf', now), call('ZCOUNT', KEYS[7], '-inf', now)
if lapsed > 0 then ready_age = math.max(ready_age, now - call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]) end
return { events, age_of_events, call('ZCARD', KEYS[1]) - lapsed, lapsed, ready, ready_age, held, held_age, later,
    math.max(waiting - seen - of_holds, 0), holds[1], holds[2], holds[3], holds[4], holds[5], holds[6],
    math.max(call('HLEN', KEYS[5]) - ended, 0), ended }
