-- settle.lua: write down how leased attempts ended, and lease what may follow them. One whose lease is no longer held
-- changes nothing.
-- KEYS    1 flow   2 fly   3 pay   4 rp   5 subh   6 ref   7 alog   and by name: due r dead log meta
-- ARGV    1 now   2 prefix   3 ms of nothing but failures that disable a subscription, 0 never
--         4 capacity, 0 to lease nothing   5 lease, ms   6 projects   7 subscriptions of a project
--         then per attempt, at most 500: subscription   position   attempt, and :times a lease of it lapsed, if any did
--         token   ending   detail   summary   queue   entry of the log, '' when nothing was attempted
--         ending  d delivered   r due again, detail = after ms   x dead letter, detail = reason
--                 g the same, and the subscription is disabled
--                 h handed back untried, due again, detail = after ms, only by the newest token   n dropped
-- RETURNS {per attempt 1 written down, 0 the lease was lost}, and with a capacity what `lease_due` of leasing.lua does
-- COST    k log n for k attempts: 6 us each in batches of 24, 4.7 in batches of 100
local members = {}
for index = 8, #ARGV, 9 do
    members[#members + 1] = ARGV[index] .. '|' .. ARGV[index + 1] .. ':' .. ARGV[index + 2]
end
local disable_after = tonumber(ARGV[3])
local ends, answer = call('ZMSCORE', KEYS[2], unpack(members)), {}

-- What the attempts change, gathered by subscription.
local touched, states = {}, {}
local function state_of(subscription, queue)
    local state = states[subscription]
    if not state then
        state = { out = 0, successes = 0, failures = 0, entries = {}, logged = { 0, 0 }, project = project_of(queue) }
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

local function wait(state, due, member)
    state.again = state.again or {}
    table.insert(state.again, due)
    table.insert(state.again, member)
end

-- `failing` are the positions that failed since the last success.
local function fail(state, position)
    state.failures, state.failing = state.failures + 1, state.failing or {}
    table.insert(state.failing, position)
end

local landed, ended, seen = {}, {}, {}
local function finish(position)
    ended[position] = (ended[position] or 0) + 1
end
for number, member in ipairs(members) do
    local index = 9 * number - 1
    local position, turn = ARGV[index + 1], ARGV[index + 2]
    local ending, detail = ARGV[index + 4], ARGV[index + 5]
    -- A renewed lease ends later than its older tokens say. Those still prove an outcome, which only the holder can
    -- have seen; but a delivery handed back and leased anew is the same member, and its first holder, who may say so
    -- twice, must not hand back the second's.
    local held, token = ends[number], ARGV[index + 3]
    local newer = held and (held == token and 0 or held - token)
    if newer and not seen[member] and (newer == 0 or (newer > 0 and ending ~= 'h')) then
        seen[member], answer[number] = true, 1
        landed[#landed + 1] = member
        local state = state_of(ARGV[index], ARGV[index + 7])
        state.out = state.out + 1
        if ARGV[index + 8] ~= '' then
            local kind = ending == 'd' and 1 or 2
            table.insert(state.entries, ARGV[index + 8])
            state.logged[kind] = state.logged[kind] + 1
        end
        if ending == 'd' then
            state.successes, state.failing, state.gone = state.successes + 1, nil, nil
            finish(position)
        elseif ending == 'r' then
            local attempt, lapses = string.match(turn, '^(%d+)(.*)$')
            fail(state, position)
            wait(state, after(tonumber(detail)), position .. ':' .. attempt + 1 .. lapses)
        elseif ending == 'h' then
            wait(state, after(tonumber(detail)), position .. ':' .. turn)
        else
            if ending ~= 'n' then
                state.gone = state.gone or ending == 'g'
                -- The message's end is no failing of the subscriber's, nor is what this house cannot do.
                if ARGV[index + 8] ~= '' or (detail ~= 'expired' and detail ~= 'no_transport') then
                    fail(state, position)
                end
                bury(KEYS[3], ARGV[index], ARGV[index + 7], position, string.match(turn, '^%d+'), detail,
                    ARGV[index + 6])
            end
            finish(position)
        end
    else
        answer[number] = 0
    end
end
if #landed == 0 then return { answer } end
call('ZREM', KEYS[2], unpack(landed))

local headers, flows = call('HMGET', KEYS[5], unpack(touched)), call('HMGET', KEYS[1], unpack(touched))
local logs = call('HMGET', KEYS[7], unpack(touched))
local projects, flow, idle, log = {}, {}, {}, {}
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
    if is_alive(headers[index]) then
        if #state.entries > 0 then
            log[#log + 1] = subscription
            log[#log + 1] = write_log(subscription, logs[index], state.logged[1], state.logged[2],
                table.concat(state.entries))
        end
        if state.again then in_chunks('ZADD', due_key(subscription), state.again) end
        local room, at = room_of(headers[index], out, window, more)
        state.look = room > 0 and now or at
        projects[state.project] = projects[state.project] or {}
        table.insert(projects[state.project], subscription)
    elseif state.again then
        for place = 2, #state.again, 2 do finish(string.match(state.again[place], '^%d+')) end
    end
end
in_chunks('HSET', KEYS[1], flow)
in_chunks('HDEL', KEYS[1], idle)
in_chunks('HSET', KEYS[7], log)

-- Wake every subscription of which something waits: it has room now, or an earlier time.
for project, subscriptions in pairs(projects) do
    local ready, waking, wake_first = call('ZMSCORE', ready_key(project), unpack(subscriptions)), {}, nil
    for index, subscription in ipairs(subscriptions) do
        local state = states[subscription]
        if ready[index] or state.again then
            local first = call('ZRANGE', due_key(subscription), 0, 0, 'WITHSCORES')
            if first[2] then
                local at = math.max(tonumber(first[2]), state.look)
                waking[#waking + 1] = at
                waking[#waking + 1] = subscription
                wake_first = math.min(wake_first or at, at)
            end
        end
    end
    if #waking > 0 then
        in_chunks('ZADD', ready_key(project), waking)
        call('ZADD', KEYS[4], 'LT', wake_first, project)
    end
end
let_go(KEYS[3], KEYS[6], ended)
if ARGV[4] == '0' then return { answer } end
return { answer, lease_due(ARGV[4], ARGV[5], ARGV[6], ARGV[7]) }
