-- message_list.lua: read messages of a queue, oldest first.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 position to start behind, or ''   3 id of the message to start behind, or ''   4 limit
--         5 1: claimed ones too   6 1: delayed ones too   7 client to hide (mark) or ''
-- RETURNS {now, position to go on behind when the work of one call was used up or '', then position, record,
--         state ...}; nothing behind an id that is not of this queue
-- COST    log n + k for k messages; at most 500 looked at, each 2 KiB of a record counts as one: a megabyte and the first ten
local answer = { now, '' }
local meta = call('HMGET', META, 'front', 'ttl-max')
local front, ttl_max = tonumber(meta[1]) or 0, tonumber(meta[2])
if not ttl_max then return answer end
local behind = tonumber(ARGV[2])
if ARGV[3] ~= '' then
    -- A message that moved here may come from this very queue: its new place counts.
    behind = tonumber(call('HGET', ALIAS, ARGV[3]) or ARGV[2])
    if not behind then return answer end
end
behind = behind or 0
local wanted, found, budget, looked_at, client = tonumber(ARGV[4]), 0, STEP, 0, ARGV[7]
local claimed, delayed = ARGV[5] == '1', ARGV[6] == '1' and call('EXISTS', DELAY) == 1

-- The end of everything: behind it there is nothing to read.
local LAST = 2 ^ 53
local hid_last = false
-- Expired ones found on the way: gone before the next call looks again.
local over = {}

-- Steps over what only the hidden client posted.
local function skip_own()
    hid_last = false
    local open = call('HGET', META, 'open-run')
    local open_start, open_count = LAST, 0
    if open then open_start, open_count = struct.unpack(RUN_HEAD, open) end
    if open_count > 0 and behind + 1 >= open_start then
        if string.sub(open, RUN_MARK_FROM, RUN_MARK_TO) == client then behind = LAST end
        return
    end
    local block = call('ZREVRANGEBYSCORE', RUNS, text(behind + 1), '-inf', 'LIMIT', 0, 1)[1]
    if not block then return end
    local start, owner = string.match(block, '^(%d+):(.*)$')
    if owner ~= client then return end
    local following = call('ZRANGEBYSCORE', RUNS, '(' .. start, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if following then
        behind = tonumber(following) - 1
    else
        behind = open_count > 0 and open_start - 1 or LAST
    end
end

local function add(position, record, state)
    budget = budget - work_of(record)
    if client ~= '' and string.sub(record, RECORD_MARK_FROM, RECORD_MARK_TO) == client then
        hid_last = true
        return
    end
    hid_last = false
    found = found + 1
    answer[#answer + 1] = position
    answer[#answer + 1] = record
    answer[#answer + 1] = state
end

-- Whatever their state: the log itself is read, and each message looked up.
local function scan()
    while found < wanted and budget > 0 do
        if hid_last then skip_own() end
        if behind >= front then behind = math.max(behind, expired_through(ttl_max)) end
        local count = reading(wanted - found, budget, looked_at)
        local entries, positions = call('XRANGE', LOG, '(' .. text(behind), '+', 'COUNT', count), {}
        looked_at = looked_at + #entries
        if #entries == 0 then return true end
        for index, entry in ipairs(entries) do positions[index] = string.sub(entry[1], 1, -3) end
        local ends, held = call('ZMSCORE', EXP, unpack(positions)), call('ZMSCORE', HELD, unpack(positions))
        local delays, states = call('ZMSCORE', DELAY, unpack(positions)), call('HMGET', STATE, unpack(positions))
        for index, entry in ipairs(entries) do
            local position = positions[index]
            behind = tonumber(position)
            local is_held = held[index] and tonumber(held[index]) > now
            local is_delayed = delays[index] and tonumber(delays[index]) > now
            if tonumber(ends[index]) <= now then
                over[#over + 1] = position
                budget = budget - 1
            elseif (claimed or not is_held) and (delayed or not is_delayed) then
                add(position, entry[2][2], shown(states[index], held[index]))
            else
                budget = budget - 1
            end
        end
        if #entries < count then return true end
    end
    return found == wanted
end

-- Only what is free: behind the front that is `freed`.
local function free()
    if wake(front) then return false end
    while behind < front and found < wanted and budget > 0 do
        if hid_last then skip_own() end
        local count = reading(wanted - found, budget, looked_at)
        local positions = call('ZRANGEBYSCORE', BACK, '(' .. text(behind), '+inf', 'LIMIT', 0, count)
        looked_at = looked_at + #positions
        if #positions > 0 then
            local ends, states = call('ZMSCORE', EXP, unpack(positions)), call('HMGET', STATE, unpack(positions))
            for index, position in ipairs(positions) do
                behind = tonumber(position)
                local record = ends[index] and tonumber(ends[index]) > now and record_at(position)
                if record then add(position, record, shown(states[index])) else budget = budget - 1 end
            end
        end
        if #positions < count then behind = front end
    end
    if behind < front then return found == wanted end
    behind = math.max(behind, expired_through(ttl_max))
    local delays = call('EXISTS', DELAY) == 1
    while found < wanted and budget > 0 do
        if hid_last then skip_own() end
        local count, waits = reading(wanted - found, budget, looked_at), {}
        local entries, positions = call('XRANGE', LOG, '(' .. text(behind), '+', 'COUNT', count), {}
        looked_at = looked_at + #entries
        for index, entry in ipairs(entries) do positions[index] = string.sub(entry[1], 1, -3) end
        if delays and #entries > 0 then waits = call('ZMSCORE', DELAY, unpack(positions)) end
        for index, entry in ipairs(entries) do
            local record = entry[2][2]
            behind = tonumber(positions[index])
            local _, expires = message_life(behind, record)
            if expires <= now then
                over[#over + 1] = positions[index]
                budget = budget - 1
            elseif not waits[index] then
                add(positions[index], record, '')
            else
                budget = budget - 1
            end
        end
        if #entries < count then return true end
    end
    return found == wanted
end

local is_complete
if claimed or delayed then is_complete = scan() else is_complete = free() end
forget(over)
if not is_complete then answer[2] = text(behind) end
return answer
