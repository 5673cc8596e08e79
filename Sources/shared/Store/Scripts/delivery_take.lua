-- delivery_take.lua: fan out events of a shard: of some queues a page of eligible subscriptions becomes deliveries, and those that
-- fit the subscription's window and what may be handed out of its project are leased in the same step. The rest wait, and so does
-- what is collected into a digest: until its time is over, or until there is enough of it.
-- Projects have their turn one after the other, and the queues of a project; the events of a queue go in their order.
-- What a filter policy says of an event the caller finds out: an event goes as far as the verdicts that came with the call, and the
-- next ones are asked for.
-- KEYS    1 fanout-projects   2 fanout-pages   3 pacing   4 leases   5 payloads   6 payload-references   7 ready-projects
--         8 subscription-headers   9 waiting-counts   10 delivery-sweeps   11 payload-expiries   12 last-position
--         13 subscriptions   and by name: events fanout-queues subscription-order due ready-subscriptions meta dead-letters dead-letter-entries
--         dead-letter-records dead-letter-bytes dead-letter-oldest held-subscriptions
-- ARGV    1 now   2 prefix   3 limits   4 events, at most 16   5 deliveries of a call, at most 1000   6 lease, ms
--         7 1: only confirmed subscriptions   8 capacity   9 most of a project
--         10 how many projects have a number of their own, at most 256, then project, number of each; -1: its events stay,
--         then per event with verdicts its queue, first position, how many verdicts, and each: subscription, a digit for each
--         message, 0: it is not wanted
-- RETURNS {now, end of the leases, 1: call again, 2: events stayed, 3: both, deliveries that found too many waiting, dead
--         letters dropped, deliveries of subscriptions whose time was over,
--         {queue, first position, {record ...}, {subscription and version ...} of the verdicts asked for ...}}, then per event with leases: first position, retry policy of the queue or '', {record ...}, {subscription, header, index
--         of the message from 1 ...}
-- COST    page x log n, however much waits: 15 us for an event of one delivery, 2.7 each in a wide fan-out; at most 16
--         queues, and a page of deliveries or one message more; as much again for what is asked for
local allowance = allowance_at(8)
local page, lease_end, now_text = tonumber(ARGV[5]), text(now + tonumber(ARGV[6])), text(now)
local answer = { now, tonumber(lease_end), 0, 0, 0, 0, {} }

-- Whose turn it is: the first queue of each project, then the second. Projects whose events are to stay are stepped over.
local turns, projects, stayed = {}, {}, 0
for from = 0, math.huge, 16 do
    local found = call('ZRANGE', KEYS[1], from, from + 15)
    for _, project in ipairs(found) do
        if granted_to(allowance, project) < 0 then
            stayed = stayed + 1
        elseif #projects < 16 then
            projects[#projects + 1] = project
        end
    end
    if #found < 16 or #projects == 16 then break end
end
if stayed > 0 then answer[3] = 2 end
if #projects == 0 then return answer end
local queues_left, projects_left = {}, #projects
do
    local each, queues = math.max(1, math.floor(16 / #projects)), {}
    for index, project in ipairs(projects) do
        queues[index] = call('ZRANGE', fanout_key(project), 0, each - 1)
        -- Of one with as many queues as are asked for there may be more.
        queues_left[project] = #queues[index] < each and #queues[index] or math.huge
    end
    for place = 1, each do
        for index, project in ipairs(projects) do
            if queues[index][place] then turns[#turns + 1] = { project = project, queue = queues[index][place] } end
        end
    end
end
-- At the memory limit no page is turned into deliveries of which all would wait.
local is_at_limit = is_full(KEYS[7])
if is_at_limit and allowance.left <= 0 then return answer end

local flying, flow, payload, counted, changed, lost, late = {}, {}, {}, {}, {}, {}, {}
local states, known = {}, {}
-- What is known of a subscription, an array, for a page makes many: `LEFT` how many more of it may wait, `DIGEST` of one that is
-- collected {ms, messages, when this one goes out, messages in it, members that waited for it and go out now}, `OVER` of one whose
-- time is over when that was: what was posted before ends as a dead letter.
local SUBSCRIPTION, PROJECT, HEADER, OUT, WINDOW, MORE, BEFORE, SLOTS, READY_AT, ORDERED, DUE, ENDS, LEFT, DIGEST, OVER =
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15

-- Reads what is to be known of subscriptions of a queue.
local function read(project, subscriptions)
    local unknown = {}
    for _, subscription in ipairs(subscriptions) do
        if not known[subscription] then unknown[#unknown + 1] = subscription end
    end
    if #unknown == 0 then return end
    local headers, flows = call('HMGET', KEYS[8], unpack(unknown)), call('HMGET', KEYS[3], unpack(unknown))
    local ready = call('ZMSCORE', ready_key(project), unpack(unknown))
    for index, subscription in ipairs(unknown) do
        local header, state = headers[index], false
        local counts = header and (ARGV[7] ~= '1' or is_confirmed(header))
        local over = counts and tonumber(string.sub(header, 1, HEADER_EXPIRES_TO)) or 0
        if over > 0 and over <= now and limit('keeps_ended') ~= 0 then
            state = { subscription, project, header, 0, 0, false, 0, 0, false, false, false, 0, 0, false, over }
        elseif over > now then
            local out, window, more = flow_of(flows[index])
            local ready_at, ordered = tonumber(ready[index]), is_ordered(header)
            -- Nothing of it waits any more.
            if more and more.e and not ready_at and out == 0 then more.e = nil end
            local slots, at = free_slots(header, out, window, more)
            -- A new one overtakes none that is due already, nor, in an ordered one, any that waits: attempts start in post order.
            if ready_at and (ordered or ready_at <= now) then slots = 0 end
            local ms, messages = digest_of(header, more)
            if ms then slots = 0 end
            state = { subscription, project, header, out, window, more, out, slots, ready_at or false, ordered, false, 0, 0,
                ms and { ms, messages, false, 0, {} } or false, false }
            states[#states + 1] = state
        end
        known[subscription] = state or 'none'
    end
end

-- How many more deliveries of a project may wait.
local left_of = {}
local function left_to_wait(project)
    left_of[project] = left_of[project] or limit('project_waiting') - tonumber(call('HGET', KEYS[9], project) or 0)
    return left_of[project]
end

-- When one more message of a digest is due: with it, or now when it is the last one, and then all of it is.
local function collect(state)
    local digest, due, more = state[DIGEST], state[DUE], state[MORE] or {}
    local key = due_key(state[SUBSCRIPTION])
    -- A window longer than any, where an address is held back for an hour at most: the clock was ahead, or the digest is another one
    -- by now.
    local longest = (more.e and 3600000 or digest[1]) + SKEW
    if not more.unread and ((more.g or 0) <= now or more.g > now + longest) then
        more.g, digest[3], digest[4] = now + digest[1], text(now + digest[1]), 0
    elseif not digest[3] then
        digest[3] = text(more.g or now)
        digest[4] = call('ZCOUNT', key, digest[3], digest[3])
    end
    state[MORE] = more
    digest[4] = digest[4] + 1
    -- What is held back for its address waits for its time, however much it is.
    if more.unread or more.e or digest[4] < digest[2] then return digest[3] end
    for _, member in ipairs(call('ZRANGEBYSCORE', key, digest[3], digest[3], 'LIMIT', 0, digest[2])) do
        table.insert(digest[5], member)
    end
    for place = 1, #due, 2 do
        if due[place] == digest[3] then due[place] = now_text end
    end
    more.g, digest[3] = nil, false
    return now_text
end

-- Has one more delivery of a subscription wait; false when too many do.
local function wait(state, position, ends)
    local due, project = state[DUE], state[PROJECT]
    if not due then
        local key = due_key(state[SUBSCRIPTION])
        -- Something of it waits exactly when it is to be looked at some time.
        state[LEFT] = limit('waiting') - (state[READY_AT] and call('ZCARD', key) or 0)
        due = {}
        state[DUE], state[ENDS] = due, ends
    end
    local left = left_to_wait(project)
    if state[LEFT] <= 0 or left <= 0 then return false end
    state[LEFT], left_of[project] = state[LEFT] - 1, left - 1
    -- Of an ordered one the position alone is the order.
    local at = state[ORDERED] and '0' or state[DIGEST] and collect(state) or now_text
    due[#due + 1] = at
    due[#due + 1] = position .. ':1'
    if ends < state[ENDS] then state[ENDS] = ends end
    return true
end

-- What the call may still lease to send, as `lease_due` does: what is encoded and signed for a large message takes its time.
local to_send = 4 * 1048576

-- Events, and what filters say of them. `verdicts_of`: how many of these subscriptions, from the first, have no verdict missing, and by
-- subscription the digits of those that have one. `ask` adds what is missing of the next events to the answer: what the next call needs.
local events = (function()
    -- The event of a queue behind so many others: its first position, its positions and its records; nil: there is none.
    local function event_at(queue, place)
        local event = call('LINDEX', events_key(queue), place)
        if not event then return nil end
        local first, at = struct.unpack(EVENT_HEAD, event)
        local positions, records = {}, {}
        while at <= #event do
            local length, from = struct.unpack(EVENT_LENGTH, event, at)
            positions[#positions + 1] = text(first + #positions)
            records[#records + 1] = string.sub(event, from, from + length - 1)
            at = from + length
        end
        return first, positions, records
    end

    -- Subscriptions of an event, from its mark on. Only those older than the event: positions of both come from the same counter.
    local function page_of(queue, first, mark, rows)
        return call('ZRANGEBYSCORE', order_key(queue), mark and '(' .. mark or '-inf', '(' .. text(first), 'LIMIT', 0, rows)
    end

    local function is_filtered(state) return state ~= 'none' and string.byte(state[HEADER], HEADER_RULES_AT) > ASCII_1 end

    local verdicts, at = {}, select(2, allowance_at(8))
    while at <= #ARGV do
        local event, last = ARGV[at] .. ' ' .. ARGV[at + 1], at + 2 + 2 * tonumber(ARGV[at + 2])
        verdicts[event] = verdicts[event] or {}
        for place = at + 3, last, 2 do verdicts[event][ARGV[place]] = ARGV[place + 1] end
        at = last + 1
    end
    -- How much is asked for: deliveries, and bytes that are read and looked through for them, those of the subscriptions included, of
    -- which at most a quarter for one of several queues; and bytes of the answer.
    local left, judged, bytes = page, 4 * 1048576, 1048576

    local function digits_of(queue, first, state)
        local event = verdicts[queue .. ' ' .. text(first)]
        return event and event[state[SUBSCRIPTION]]
    end

    local function verdicts_of(queue, first, subscriptions)
        local digits = {}
        for index, subscription in ipairs(subscriptions) do
            local state = known[subscription]
            if is_filtered(state) then
                digits[subscription] = digits_of(queue, first, state)
                if not digits[subscription] then return index - 1, digits end
            end
        end
        return #subscriptions, digits
    end

    local function ask(turn, count, rows_max)
        local place, mark, own, share = turn.finished, turn.mark, rows_max, judged
        if #turns > 1 then share = math.min(judged, 1048576) end
        while place < turn.finished + count and math.min(own, left, share, bytes) > 0 do
            local first, positions, records = event_at(turn.queue, place)
            if not first then return end
            local size = 0
            for _, record in ipairs(records) do size = size + #record end
            local rows = math.max(1, math.floor(math.min(math.min(own, left) / #positions, share / size)))
            local subscriptions, missing, spent = page_of(turn.queue, first, mark, rows), {}, 0
            read(turn.project, subscriptions)
            for _, subscription in ipairs(subscriptions) do
                local state = known[subscription]
                if is_filtered(state) and not digits_of(turn.queue, first, state) then
                    missing[#missing + 1] = subscription .. string.sub(state[HEADER], HEADER_VERSION_FROM, HEADER_VERSION_TO)
                    spent = spent + size + call('HSTRLEN', KEYS[13], subscription)
                    if spent >= share then break end
                end
            end
            if #missing > 0 then
                for _, part in ipairs({ turn.queue, text(first), records, missing }) do table.insert(answer[7], part) end
                judged, share, bytes = judged - spent, share - spent, bytes - size
            end
            left, own = left - #subscriptions * #positions, own - math.max(1, #subscriptions * #positions)
            -- The rest of a wide one is asked for behind this.
            if #subscriptions == rows then return end
            place, mark = place + 1, nil
        end
    end

    local function is_spent() return math.min(left, judged, bytes) <= 0 end
    return { at = event_at, page_of = page_of, verdicts_of = verdicts_of, ask = ask, is_spent = is_spent }
end)()

-- Turns one page of one event into deliveries; returns how many of each message, and the leases; nil when it is to stay.
-- `digits`: the verdicts of those that have a filter.
local function expand(turn, positions, records, subscriptions, digits)
    local capacity = math.min(allowance.left, share_of(allowance, turn.project))
    if is_at_limit then
        local leases_any, makes_any = false, false
        for _, subscription in ipairs(subscriptions) do
            local state = known[subscription]
            if state ~= 'none' and not state[OVER] and (not digits[subscription] or string.find(digits[subscription], '1', 1, true)) then
                makes_any, leases_any = true, leases_any or (capacity > 0 and state[SLOTS] > 0)
            end
        end
        if makes_any and not leases_any then return nil end
    end
    local bytes = 0
    for _, record in ipairs(records) do bytes = math.max(bytes, #record) end
    capacity = math.min(capacity, math.max(0, math.ceil(to_send / math.max(1, bytes))))
    local granted, held, leases, ends = capacity, {}, {}, {}
    for message in ipairs(positions) do held[message] = 0 end
    for _, subscription in ipairs(subscriptions) do
        local state = known[subscription]
        local verdicts = digits[subscription]
        if state ~= 'none' then
            for message, position in ipairs(positions) do
                local is_wanted = not verdicts or string.sub(verdicts, message, message) ~= '0'
                if state[OVER] then
                    if is_wanted and math.floor(tonumber(position) / 2048) < state[OVER] then
                        late[#late + 1] = { subscription, state[HEADER], position, records[message] }
                    end
                elseif is_wanted and state[SLOTS] > 0 and capacity > 0 then
                    flying[#flying + 1] = lease_end
                    flying[#flying + 1] = subscription .. '|' .. position .. ':1'
                    leases[#leases + 1] = subscription
                    leases[#leases + 1] = state[HEADER]
                    leases[#leases + 1] = message
                    state[OUT], state[SLOTS], capacity = state[OUT] + 1, state[SLOTS] - 1, capacity - 1
                    held[message] = held[message] + 1
                elseif is_wanted then
                    state[SLOTS] = 0
                    ends[message] = ends[message] or end_of(records[message], position)
                    if wait(state, position, ends[message]) then
                        held[message] = held[message] + 1
                    else
                        lost[#lost + 1] = { subscription, turn.queue, position }
                    end
                end
            end
        end
    end
    hand_out(allowance, turn.project, granted - capacity)
    to_send = to_send - bytes * (granted - capacity)
    return held, leases
end

-- Counts a page's deliveries of each message. While pages are to come the page mark itself holds on to the payload, as
-- one more; a count of one is not written.
local function hold(positions, records, held, is_first, is_last)
    for index, position in ipairs(positions) do
        if is_first then
            local count = held[index] + (is_last and 0 or 1)
            if count > 0 then
                payload[#payload + 1] = position
                payload[#payload + 1] = records[index]
            end
            if count > 1 or not is_last then
                counted[#counted + 1] = position
                counted[#counted + 1] = count
            end
        else
            changed[#changed + 1] = { position, held[index] - (is_last and 1 or 0) }
        end
    end
end

-- Everything is read first: nothing can fail once it writes.
local work, quantum, has_stopped = 0, #turns == 1 and page or math.ceil(page / 4), false
local events_each = math.max(1, math.floor(math.min(tonumber(ARGV[4]), 16) / #turns))
local marks = {}
for index, turn in ipairs(turns) do marks[index] = turn.queue end
marks = call('HMGET', KEYS[2], unpack(marks))
for index, turn in ipairs(turns) do
    if work >= page then break end
    local queue, mark, budget = turn.queue, marks[index], math.min(page - work, quantum)
    -- What is not leased now waits, which costs twice: of a project that may have more than a few, no more than that.
    local share = math.min(allowance.left, share_of(allowance, turn.project))
    local rows_each = share >= 16 and math.min(quantum, share) or quantum
    if share >= 16 then budget = math.min(budget, share) end
    turn.is_served, turn.finished, turn.is_marked, turn.rows = true, 0, mark, rows_each
    -- One after the other, for an event may be large, and a wide one takes many calls.
    while budget > 0 and turn.finished < events_each do
        local first, positions, records = events.at(queue, turn.finished)
        if not first then
            turn.is_empty = true
            break
        end
        local rows, is_first = math.max(1, math.floor(budget / #positions)), not mark
        local subscriptions = events.page_of(queue, first, mark, rows)
        local is_last = #subscriptions < rows
        read(turn.project, subscriptions)
        local decided, digits = events.verdicts_of(queue, first, subscriptions)
        turn.has_filters = turn.has_filters or next(digits) ~= nil
        if decided < #subscriptions then
            turn.is_undecided = true
            if decided == 0 then break end
            subscriptions, rows, is_last = { unpack(subscriptions, 1, decided) }, decided, false
        end
        local held, leases = expand(turn, positions, records, subscriptions, digits)
        if not held then
            has_stopped, turn.has_stopped = true, true
            break
        end
        hold(positions, records, held, is_first, is_last)
        if #leases > 0 then
            for _, part in ipairs({ text(first), policy_of(queue), records, leases }) do answer[#answer + 1] = part end
        end
        local done = math.max(1, #subscriptions * #positions)
        work, budget = work + done, budget - done
        if not is_last then
            -- In time: Redis prints each score it is asked for.
            mark = call('ZSCORE', order_key(queue), subscriptions[rows])
            break
        end
        mark, turn.finished = nil, turn.finished + 1
    end
    turn.mark = mark
    if not turn.is_empty and not mark then turn.is_empty = call('LLEN', events_key(queue)) == turn.finished end
    -- One that only waits for verdicts keeps its place: the next call brings them.
    if turn.is_undecided and not turn.has_stopped then
        if turn.finished == 0 and mark == turn.is_marked then turn.is_served = false end
        events.ask(turn, events_each, rows_each)
        if events.is_spent() then break end
    end
end
-- Ahead, where the next call goes on: of more projects, or of more queues of a project, it serves others.
for _, turn in ipairs(turns) do
    if turn.has_filters and not turn.is_undecided and not turn.has_stopped and #projects < 16
        and queues_left[turn.project] ~= math.huge then
        events.ask(turn, events_each, turn.rows)
    end
end

-- From here on it writes. What is handed out is about to be freed, so this goes on at the memory limit: events that were
-- fanned out leave first, else a write that cannot grow is the first.
local finished = false
for _, turn in ipairs(turns) do
    if turn.is_served and turn.finished > 0 then
        finished = true
        call('LPOP', events_key(turn.queue), turn.finished)
    end
end
if not finished then begin_at_limit(KEYS[4]) end
add_leases(KEYS[4], flying)
local waking, waiting, expiring = {}, {}, {}
for _, state in ipairs(states) do
    local subscription, due, out, more = state[SUBSCRIPTION], state[DUE], state[OUT], state[MORE]
    if out > state[BEFORE] then
        more = spend(state[HEADER], more, out - state[BEFORE])
        flow[#flow + 1] = subscription
        flow[#flow + 1] = flow_text(out, state[WINDOW], more)
    elseif due and state[DIGEST] then
        local value = flow_text(out, state[WINDOW], more)
        if value then
            flow[#flow + 1] = subscription
            flow[#flow + 1] = value
        else
            call('HDEL', KEYS[3], subscription)
        end
    end
    if due and #due > 0 then
        local project = state[PROJECT]
        call('ZADD', due_key(subscription), unpack(due))
        local pulled = {}
        for _, member in ipairs(state[DIGEST] and state[DIGEST][5] or {}) do
            pulled[#pulled + 1] = now_text
            pulled[#pulled + 1] = member
        end
        in_chunks('ZADD', due_key(subscription), pulled)
        local hold = more and hold_of(flow_text(out, state[WINDOW], more))
        if hold then count_held(subscription, hold) end
        waiting[project] = (waiting[project] or 0) + #due / 2
        expiring[#expiring + 1] = text(state[ENDS])
        expiring[#expiring + 1] = subscription
        local slots, at = free_slots(state[HEADER], out, state[WINDOW], more)
        if slots > 0 then
            at = state[DIGEST] and tonumber(call('ZRANGE', due_key(subscription), 0, 0, 'WITHSCORES')[2]) or now
        end
        if not state[READY_AT] or at < state[READY_AT] then
            local woken = waking[project] or { first = at }
            waking[project], woken.first = woken, math.min(woken.first, at)
            woken[#woken + 1] = text(at)
            woken[#woken + 1] = subscription
        end
    end
end
in_chunks('HSET', KEYS[3], flow)
for project, woken in pairs(waking) do
    in_chunks('ZADD', ready_key(project), woken)
    call('ZADD', KEYS[7], 'LT', text(woken.first), project)
end
for project, count in pairs(waiting) do count_waiting(KEYS[9], project, count) end
for first = 1, #expiring, 1000 do
    call('ZADD', KEYS[10], 'LT', unpack(expiring, first, math.min(first + 999, #expiring)))
end
in_chunks('HSET', KEYS[5], payload)
in_chunks('HSET', KEYS[6], counted)
for _, change in ipairs(changed) do
    if call('HINCRBY', KEYS[6], change[1], change[2]) == 0 then
        call('HDEL', KEYS[5], change[1])
        call('HDEL', KEYS[6], change[1])
        call('ZREM', KEYS[11], change[1])
    end
end
-- The new one of too many ends, without a body and within the bounds of dead letters: what has waited longest stays.
for _, row in ipairs(lost) do
    dead_letters().keep(row[1], row[2], row[3], 0, 0, 'overflow', 'too many deliveries wait')
end
for _, row in ipairs(late) do
    if dead_letters().keep_ended(row[1], row[2], row[3], 0, row[4]) then answer[6] = answer[6] + 1 end
end

local next_turn
for _, turn in ipairs(turns) do
    if turn.is_served then
        if turn.mark then
            call('HSET', KEYS[2], turn.queue, turn.mark)
        elseif turn.is_marked then
            call('HDEL', KEYS[2], turn.queue)
        end
        local own, is_last = fanout_key(turn.project), false
        if turn.is_empty then
            call('ZREM', own, turn.queue)
            queues_left[turn.project] = queues_left[turn.project] - 1
            is_last = queues_left[turn.project] == 0
                or (queues_left[turn.project] == math.huge and call('EXISTS', own) == 0)
            if is_last then
                call('ZREM', KEYS[1], turn.project)
                projects_left = projects_left - 1
            end
        end
        if not is_last then
            next_turn = next_turn or 1 + math.max(tonumber(call('GET', KEYS[12]) or 0),
                tonumber(call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]))
            if not turn.is_empty then call('ZADD', own, next_turn, turn.queue) end
            call('ZADD', KEYS[1], next_turn, turn.project)
            next_turn = next_turn + 1
        end
    end
end
if (work > 0 or not has_stopped) and (#answer[7] > 0 or projects_left > 0 or (#projects == 16 and call('ZCARD', KEYS[1]) > stayed)) then
    answer[3] = answer[3] + 1
end
answer[4] = #lost
if answer[4] + answer[6] > 0 then answer[5] = dead_letters().trim() end
return answer
