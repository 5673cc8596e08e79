-- delivery_settle.lua: write down how leased attempts ended, and lease what may follow them. One whose lease is no longer held
-- changes nothing.
-- KEYS    1 pacing   2 leases   3 payloads   4 ready-projects   5 subscription-headers   6 waiting-counts
--         7 payload-references   8 attempt-counts   9 begun-attempts   10 turns   11 payload-expiries
--         12 delivery-sweeps   and by name: due ready-subscriptions attempt-log meta dead-letters dead-letter-entries
--         dead-letter-records dead-letter-bytes dead-letter-oldest held-subscriptions
-- ARGV    1 now   2 prefix   3 limits   4 ms of nothing but failures that disable a subscription, 0 never
--         5 lease, ms   6 projects   7 subscriptions of a project   8 capacity, 0 to lease nothing   9 most of a project
--         10 how many projects have a number of their own, at most 256, then project, number of each
--         then per attempt, at most 500: subscription   position   attempt, and :level of a suspect
--         token   ending   detail   summary   queue   entry of the log, '' when nothing was attempted
--         ending  d delivered   r due again, detail = after ms   x dead letter, detail = reason
--                 g the same, and the subscription is disabled
--                 h handed back untried, due again, detail = after ms, only by the newest token   n dropped
--                 e dropped, or a dead letter where the time of the subscription is over
--                 p handed back untried, and nothing of the subscription starts for detail ms, a minute
--                 at most, only by the newest token
--                 c handed back untried, and due after detail ms, or with what is collected already, in one attempt with
--                 all that waits then, only by the newest token
--                 + behind any: the message went out with the one before it, and a failure is no second one
-- RETURNS {{per attempt 1 written down, 0 the lease was lost}, dead letters dropped, how many became dead letters since their
--         subscription has ended, {subscription, 'breaker' or 'disabled', of each that is so from now on}, and with a capacity what `lease_due` of lib_leasing.lua does}
-- COST    k log n for k attempts: 6 us each in batches of 24, 4.7 in batches of 100
local allowance, settlements = allowance_at(8)
local members = {}
for index = settlements, #ARGV, 9 do
    members[#members + 1] = ARGV[index] .. '|' .. ARGV[index + 1] .. ':' .. ARGV[index + 2]
end
local disable_after = tonumber(ARGV[4])
-- The message's end is no failing of the subscriber's, nor is what is not sent to it.
local NOT_SENT = { expired = true, no_transport = true, no_relay = true, suppressed = true }
local ends, answer = call('ZMSCORE', KEYS[2], unpack(members)), {}

-- What the attempts change, gathered by subscription.
local touched, states = {}, {}
local function state_of(subscription, queue)
    local state = states[subscription]
    if not state then
        state = { out = 0, successes = 0, failures = 0, logged = 0, failed = 0, project = project_of(queue) }
        states[subscription] = state
        touched[#touched + 1] = subscription
    end
    return state
end

-- When a wait is over. Redis' clock is read in whole ms, so it may be nearly one later than `now`: no wait is shorter
-- than it was said to be.
local function after(delay)
    return now + delay + (delay > 0 and ARGV[1] == '' and 1 or 0)
end

-- The deliveries whose turn is too rare to be tried for, before and from now on.
local turned, unturned, suspects = {}, {}, {}
local function wait(state, subscription, due, position, turn)
    local again = state.again or {}
    state.again = again
    again[#again + 1] = due
    again[#again + 1] = position .. ':' .. turn
    if is_rare(turn) then
        turned[#turned + 1] = subscription .. '|' .. position
        turned[#turned + 1] = turn
    end
end

-- `failing` are the positions that failed since the last success.
local function fail(state, position, follows)
    if follows then return end
    state.failures, state.failing = state.failures + 1, state.failing or {}
    table.insert(state.failing, position)
end

local landed, ended, seen, dead = {}, {}, {}, {}
local function finish(position)
    ended[position] = (ended[position] or 0) + 1
end
for number, member in ipairs(members) do
    local index = settlements + 9 * (number - 1)
    local subscription, position, turn = ARGV[index], ARGV[index + 1], ARGV[index + 2]
    local ending, detail, follows = string.sub(ARGV[index + 4], 1, 1), ARGV[index + 5], #ARGV[index + 4] > 1
    -- A renewed lease ends later than its older tokens say. Those still prove an outcome, which only the holder can
    -- have seen; but a delivery handed back and leased anew is the same member, and its first holder, who may say so
    -- twice, must not hand back the second's.
    local held, token = ends[number], ARGV[index + 3]
    local newer = held and (held == token and 0 or held - token)
    local is_untried = ending == 'h' or ending == 'p' or ending == 'c'
    if newer and not seen[member] and (newer == 0 or (newer > 0 and not is_untried)) then
        seen[member], answer[number] = true, 1
        landed[#landed + 1] = member
        local state = state_of(subscription, ARGV[index + 7])
        state.out = state.out + 1
        if is_rare(turn) then
            if string.find(turn, ':', 1, true) then suspects[#suspects + 1] = member end
            if not is_untried then unturned[#unturned + 1] = subscription .. '|' .. position end
        end
        if ARGV[index + 8] ~= '' then
            -- Mostly there is one: a table only for more of them.
            if state.logged == 0 then
                state.entries = ARGV[index + 8]
            else
                if state.logged == 1 then state.entries = { state.entries } end
                state.entries[state.logged + 1] = ARGV[index + 8]
            end
            state.logged = state.logged + 1
            if ending ~= 'd' then state.failed = state.failed + 1 end
        end
        if ending == 'd' then
            -- One that said it is gone stays so, whatever was answered beside it.
            state.successes, state.failing = state.successes + 1, nil
            finish(position)
        elseif ending == 'r' then
            fail(state, position, follows)
            -- An answer ends suspicion.
            wait(state, subscription, after(tonumber(detail)), position, text(string.match(turn, '^%d+') + 1))
        elseif is_untried then
            local delay = ending ~= 'p' and tonumber(detail) or 0
            wait(state, subscription, after(delay), position, turn)
            if ending == 'c' then
                state.collected = state.collected or {}
                table.insert(state.collected, #state.again - 1)
            end
            -- No longer than `free_slots` believes: what is to wait longer is looked at, and parked again.
            if ending == 'p' then
                state.parked = math.max(state.parked or 0, after(math.min(tonumber(detail), HOST_LONGEST)))
            end
        else
            if ending == 'e' then
                dead[#dead + 1] = index
            elseif ending ~= 'n' then
                state.gone = state.gone or ending == 'g'
                if ARGV[index + 8] ~= '' or not NOT_SENT[detail] then fail(state, position, follows) end
                dead[#dead + 1] = index
            end
            finish(position)
        end
    else
        answer[number] = 0
    end
end
if #landed == 0 then return { answer, 0, 0, {} } end

local headers, flows = call('HMGET', KEYS[5], unpack(touched)), call('HMGET', KEYS[1], unpack(touched))
local logs = call('HMGET', KEYS[8], unpack(touched))
local projects, ready_before = {}, {}
for index, subscription in ipairs(touched) do
    local state = states[subscription]
    state.is_alive = is_alive(headers[index])
    if state.is_alive then
        local of_project = projects[state.project] or {}
        projects[state.project], of_project[#of_project + 1] = of_project, subscription
    end
end
for project, subscriptions in pairs(projects) do
    for index, score in ipairs(call('ZMSCORE', ready_key(project), unpack(subscriptions))) do
        if score then ready_before[subscriptions[index]] = true end
    end
end
local records = {}
for _, index in ipairs(dead) do
    local position = ARGV[index + 1]
    if not records[position] then records[position] = call('HGET', KEYS[3], position) or '' end
end
-- At the memory limit a dead letter is kept without its body.
local keeps_bodies = #dead > 0 and not is_full(KEYS[4])

-- From here on it writes, and nothing can fail any more.
call('ZREM', KEYS[2], unpack(landed))
if #suspects > 0 then call('SREM', KEYS[9], unpack(suspects)) end
in_chunks('HDEL', KEYS[10], unturned)
in_chunks('HSET', KEYS[10], turned)
local kept = 0
for _, index in ipairs(dead) do
    local record = records[ARGV[index + 1]]
    local kind = kind_of(record)
    if ARGV[index + 4] == 'e' then
        local is_kept = dead_letters().keep_ended(ARGV[index], call('HGET', KEYS[5], ARGV[index]), ARGV[index + 1],
            text(string.match(ARGV[index + 2], '^%d+') - 1), record)
        if is_kept then kept = kept + 1 end
    else
        dead_letters().keep(ARGV[index], ARGV[index + 7], ARGV[index + 1], string.match(ARGV[index + 2], '^%d+'), kind, ARGV[index + 5],
            ARGV[index + 6], keeps_bodies and record ~= '' and record or nil)
    end
end
local flow, idle, log, waiting, expiring, held = {}, {}, {}, {}, {}, {}
for index, subscription in ipairs(touched) do
    local state = states[subscription]
    local out, window, more = flow_of(flows[index])
    out = out - state.out
    if state.failures > 0 then
        window = math.max(1, math.floor(window / 2))
    else
        window = math.min(WINDOW_MAX, window + state.successes)
    end
    if state.successes > 0 then more = succeeded(more) end
    if state.failing then more = failed(more, state.failing, disable_after) end
    if state.gone then
        more = more or {}
        more.x = more.x or now
    end
    if state.parked then
        more = more or {}
        more.h = math.max(more.h or 0, state.parked)
    end
    if state.collected then
        more = more or {}
        if (more.g or 0) <= now then more.g = state.again[state.collected[1]] end
        for _, place in ipairs(state.collected) do state.again[place] = more.g end
        more.e = more.e or now
    elseif more and more.e and not state.again and call('EXISTS', due_key(subscription)) == 0 then
        more.e = nil
    end
    if state.again and is_ordered(headers[index] or '') then
        -- What waits for its retry keeps its place, and the whole subscription waits with it.
        more = more or {}
        for place = 1, #state.again, 2 do
            more.w, state.again[place] = math.max(more.w or 0, state.again[place]), 0
        end
    end
    local value = flow_text(out, window, more)
    if value then
        flow[#flow + 1] = subscription
        flow[#flow + 1] = value
    else
        idle[#idle + 1] = subscription
    end
    if state.is_alive then
        if state.logged > 0 then
            log[#log + 1] = subscription
            log[#log + 1] = write_log(subscription, logs[index], state.logged - state.failed, state.failed,
                state.logged == 1 and state.entries or table.concat(state.entries))
        end
        if state.again then
            in_chunks('ZADD', due_key(subscription), state.again)
            waiting[state.project] = (waiting[state.project] or 0) + #state.again / 2
            expiring[#expiring + 1] = subscription
        end
        local before, hold = hold_of(flows[index]), hold_of(value)
        if before or hold then count_held(subscription, hold) end
        if hold and hold ~= before then
            held[#held + 1] = subscription
            held[#held + 1] = hold
        end
        local slots, at = free_slots(headers[index], out, window, more)
        state.look = slots > 0 and now or at
    elseif state.again then
        for place = 2, #state.again, 2 do
            local position, attempt = string.match(state.again[place], '^(%d+):(%d+)')
            call('HDEL', KEYS[10], subscription .. '|' .. position)
            local record = call('HGET', KEYS[3], position)
            if dead_letters().keep_ended(subscription, headers[index], position, text(attempt - 1), record) then kept = kept + 1 end
            finish(position)
        end
    end
end
in_chunks('HSET', KEYS[1], flow)
in_chunks('HDEL', KEYS[1], idle)
in_chunks('HSET', KEYS[8], log)
for project, count in pairs(waiting) do count_waiting(KEYS[6], project, count) end
-- The sweep learns then how long the message of each lives: it may end before all that waited already.
if #expiring > 0 then
    local marks, look_at = {}, text(now + EXPIRY_LOOK)
    for index, subscription in ipairs(expiring) do
        marks[2 * index - 1], marks[2 * index] = look_at, subscription
    end
    call('ZADD', KEYS[12], 'LT', unpack(marks))
end

-- Wake every subscription of which something waits: it has free slots now, or an earlier time.
for project, subscriptions in pairs(projects) do
    local waking, wake_first = {}, nil
    for _, subscription in ipairs(subscriptions) do
        local state = states[subscription]
        if ready_before[subscription] or state.again then
            local first = call('ZRANGE', due_key(subscription), 0, 0, 'WITHSCORES')
            if first[2] then
                local at = math.max(tonumber(first[2]), state.look)
                waking[#waking + 1] = text(at)
                waking[#waking + 1] = subscription
                wake_first = math.min(wake_first or at, at)
            end
        end
    end
    if #waking > 0 then
        in_chunks('ZADD', ready_key(project), waking)
        call('ZADD', KEYS[4], 'LT', text(wake_first), project)
    end
end
end_deliveries(KEYS[3], KEYS[7], KEYS[11], ended)
local dropped = #dead + kept > 0 and dead_letters().trim() or 0
if allowance.left == 0 then return { answer, dropped, kept, held } end
return { answer, dropped, kept, held, lease_due(allowance, tonumber(ARGV[5]), ARGV[6], ARGV[7], KEYS[10]) }
