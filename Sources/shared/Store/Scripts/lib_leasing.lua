-- lib_leasing.lua: hands out deliveries that waited; it stands behind lib_pacing.lua where that is done.
-- KEYS    1 pacing   2 leases   3 payloads   4 ready-projects   5 subscription-headers   6 waiting-counts   and by name:
--         due ready-subscriptions meta held-subscriptions
-- ARGV    1 now   2 prefix
-- RETURNS nothing: it defines `lease_due`
-- COST    under a microsecond; a call of it k log n for k leases: 11 us for one, 5 each in bulk

-- How many due projects a call looks at: those that have used up what they may hold are stepped over.
local PROJECTS_LOOKED_AT = 288

-- The first of deliveries that go out together, of members and their scores: those of the turn of the first one and, where it is
-- not their first, due within a second, in which leases that lapsed together are noticed. What waits for its retry is so apart from
-- what is new, and a digest that failed is repeated as it was.
local function of_one_turn(members)
    local due, first = {}, members[1] and string.match(members[1], ':(.*)$')
    for index = 1, #members, 2 do
        local is_apart = first ~= '1' and members[index + 1] - members[2] > 1000
        if string.match(members[index], ':(.*)$') ~= first or is_apart then break end
        due[#due + 1] = members[index]
    end
    return due
end

-- Reads what one subscription has free slots for, at most `most`, into `batch`. Returns how many of the first that wait are
-- handed out, and when to look at it again: nil when nothing more of it waits.
local function serve(batch, most, subscription, header, value)
    local out, window, more = flow_of(value)
    local key, count, lowest = due_key(subscription), 0, nil
    if is_ordered(header) then
        -- What waited before its subscription was ordered has a time where now the position counts: this call brings some
        -- of it in line, at most 500 of all subscriptions, and a later one hands out. The retries among them are not to
        -- start before. What is due later and was never attempted, as a question that waits for its minute, has no place
        -- yet and holds nothing back.
        local found, waiting = call('ZRANGEBYSCORE', key, '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, math.max(batch.lines, 1)), {}
        if #found > 0 and batch.lines == 0 then return 0, now end
        local is_cut = #found == 2 * batch.lines
        batch.lines = batch.lines - #found / 2
        for index = 1, #found, 2 do
            if tonumber(found[index + 1]) <= now or not string.find(found[index], '^%d+:1$') then
                waiting[#waiting + 1], waiting[#waiting + 2] = found[index], found[index + 1]
            end
        end
        if #waiting > 0 then
            local lined, latest = {}, tonumber(waiting[#waiting])
            for index = 1, #waiting, 2 do
                lined[index], lined[index + 1] = 0, waiting[index]
            end
            batch.lined[key] = lined
            if latest > now then
                more = more or {}
                more.w = math.max(more.w or 0, latest)
                batch.flow[#batch.flow + 1] = subscription
                batch.flow[#batch.flow + 1] = flow_text(out, window, more)
                return 0, is_cut and now or more.w
            end
            if is_cut then return 0, now end
            -- The one that is first once they are in line.
            lowest = call('ZRANGEBYSCORE', key, 0, 0, 'LIMIT', 0, 1)[1] or waiting[1]
            for index = 1, #waiting, 2 do
                if waiting[index] < lowest then lowest = waiting[index] end
            end
        end
    end
    local slots, at = free_slots(header, out, window, more)
    slots = math.min(slots, most)
    if slots > 0 then
        local _, messages = digest_of(header, more)
        -- A digest is not cut by what else the call brings: it comes with the next one.
        if messages and batch.bytes < DIGEST_BYTES and #batch.answer > 3 then return 0, now end
        local due
        if messages then
            due = of_one_turn(call('ZRANGEBYSCORE', key, '-inf', batch.now, 'WITHSCORES', 'LIMIT', 0, messages))
        else
            due = lowest and { lowest } or call('ZRANGEBYSCORE', key, '-inf', batch.now, 'LIMIT', 0, slots)
        end
        count = #due
        if count > 0 then
            local positions, leases, flying = {}, {}, batch.flying
            for index, member in ipairs(due) do
                positions[index] = string.sub(member, 1, string.find(member, ':', 1, true) - 1)
            end
            local unread, bytes_of_digest = {}, 0
            for _, position in ipairs(positions) do
                if batch.records[position] == nil then unread[#unread + 1] = position end
            end
            local records = #unread > 0 and call('HMGET', KEYS[3], unpack(unread))
            for index, position in ipairs(unread) do batch.records[position] = records[index] end
            for index, member in ipairs(due) do
                local position = positions[index]
                local record = batch.records[position]
                -- Without a payload there is nothing to deliver: the delivery ends here, and its turn with it.
                if not record then
                    batch.ended[#batch.ended + 1] = subscription .. '|' .. position
                else
                    flying[#flying + 1] = batch.lease_end
                    flying[#flying + 1] = subscription .. '|' .. member
                    leases[#leases + 1] = member
                    leases[#leases + 1] = batch.sent[position] and '' or record
                    batch.bytes, bytes_of_digest = batch.bytes - #record, bytes_of_digest + #record
                    batch.sent[position] = true
                    local following = messages and batch.records[positions[index + 1]]
                    if batch.bytes <= 0 or (following and bytes_of_digest + #following > DIGEST_BYTES) then
                        count = index
                        break
                    end
                end
            end
            local answer = batch.answer
            local from = #answer
            answer[from + 1], answer[from + 2] = subscription, header
            answer[from + 3], answer[from + 4] = policy_of(queue_of(header)), messages and 1 or 0
            answer[from + 5] = leases
            out, more = out + #leases / 2, spend(header, more, messages and 1 or #leases / 2)
            local flow = flow_text(out, window, more)
            if flow then
                batch.flow[#batch.flow + 1] = subscription
                batch.flow[#batch.flow + 1] = flow
            end
            slots, at = free_slots(header, out, window, more)
        end
    end
    local first = call('ZRANGE', key, count, count, 'WITHSCORES')
    return count, first[2] and math.max(tonumber(first[2]), slots > 0 and now or at)
end

-- Leases deliveries that waited and are due, as far as the allowance goes, for `length` ms: the project served longest
-- ago first, some subscriptions of each, each up to the free slots in its window. It stops with the record that makes it 4 MiB to send. Projects
-- that may have none are stepped over, unchanged. `turns` is the key of that name.
--
-- Returns {now, end of the leases, when something is due next of a project that may have any or -1}, then per
-- subscription: subscription, header, retry policy of the queue or '', 1: they go out together, {member, record ...}; member:
-- position:attempt, and :level of a suspect; record: '' when it came with another member of its position.
local function lease_due(allowance, length, projects_max, subscriptions_of_each, turns)
    local lease_end = now + length
    local batch = {
        bytes = 4 * 1048576, lines = 500, now = text(now), lease_end = text(lease_end), flying = {}, flow = {}, lined = {}, ended = {},
        -- By position, and which of them are in the answer: a record is read and sent once.
        records = {}, sent = {},
        answer = { now, lease_end, -1 },
    }
    -- Everything is read first: nothing can fail once it writes.
    local looks, served, from = {}, 0, 0
    while served < tonumber(projects_max) and from < PROJECTS_LOOKED_AT and allowance.left > 0 and batch.bytes > 0 do
        local projects = call('ZRANGEBYSCORE', KEYS[4], '-inf', batch.now, 'LIMIT', from, 16)
        for _, project in ipairs(projects) do
            if served == tonumber(projects_max) or allowance.left <= 0 or batch.bytes <= 0 then break end
            if share_of(allowance, project) > 0 then
                served = served + 1
                local ready = ready_key(project)
                local look = { project = project, ready = ready }
                looks[served] = look
                local subscriptions = call('ZRANGEBYSCORE', ready, '-inf', batch.now, 'LIMIT', 0, subscriptions_of_each)
                local headers = #subscriptions > 0 and call('HMGET', KEYS[5], unpack(subscriptions))
                local flows = #subscriptions > 0 and call('HMGET', KEYS[1], unpack(subscriptions))
                for index, subscription in ipairs(subscriptions) do
                    local most = math.min(allowance.left, share_of(allowance, project))
                    if most <= 0 or batch.bytes <= 0 then break end
                    -- What waits for an ended subscription is never handed out: the sweep ends it.
                    local count, at = 0, nil
                    if is_alive(headers[index]) then
                        count, at = serve(batch, most, subscription, headers[index], flows[index])
                        hand_out(allowance, project, count)
                    end
                    look[#look + 1] = { subscription, count, at, count > 0 and hold_of(flows[index]) }
                end
            end
        end
        if #projects < 16 then break end
        from = from + 16
    end

    if #looks > 0 then begin_at_limit(KEYS[2]) end
    for key, lined in pairs(batch.lined) do in_chunks('ZADD', key, lined) end
    for _, look in ipairs(looks) do
        local left = 0
        for _, seen in ipairs(look) do
            local subscription, count, at = seen[1], seen[2], seen[3]
            if count > 0 then call('ZREMRANGEBYRANK', due_key(subscription), 0, count - 1) end
            if seen[4] then count_held(subscription, seen[4]) end
            if at then call('ZADD', look.ready, text(at), subscription) else call('ZREM', look.ready, subscription) end
            left = left + count
        end
        count_waiting(KEYS[6], look.project, -left)
        local first = call('ZRANGE', look.ready, 0, 0, 'WITHSCORES')
        if first[2] then
            call('ZADD', KEYS[4], text(math.max(tonumber(first[2]), now)), look.project)
        else
            call('ZREM', KEYS[4], look.project)
        end
    end
    add_leases(KEYS[2], batch.flying)
    in_chunks('HSET', KEYS[1], batch.flow)
    in_chunks('HDEL', turns, batch.ended)

    for start = 0, PROJECTS_LOOKED_AT - 1, 16 do
        local projects = call('ZRANGE', KEYS[4], start, start + 15, 'WITHSCORES')
        for index = 1, #projects, 2 do
            if granted_to(allowance, projects[index]) > 0 then
                batch.answer[3] = tonumber(projects[index + 1])
                return batch.answer
            end
        end
        if #projects < 32 then break end
    end
    return batch.answer
end
