-- lib_queue.lua: what the scripts of one queue share; it stands behind lib_common.lua and in front of each of them.
-- KEYS    1 meta   2 log   3 expiries   4 claimed   5 freed   6 delayed   7 states   8 claims   9 claim-expiries
--         10 aliases   11 alias-expiries   12 client-runs
-- ARGV    1 now
-- RETURNS nothing: it defines the names below
-- COST    under a microsecond
--
--             front
--   log  ┄┄┄┄┄┄┄┄┊┄┄┄┄┄┄┄┄    Ahead of the front all is free that is neither delayed nor expired. Behind it only those
--        back    ┊  free      in `freed` are: released, lapsed, or no longer delayed. A script that wants free
--        held    ┊             messages reads `freed`, then the log from the front, whatever lies claimed at the head.
--        delay   ┊  delay
local META, LOG, EXP, HELD, BACK, DELAY = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local STATE, CLAIMS, ENDS, ALIAS, ALIAS_EXP, RUNS = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]

-- Members that one call moves, removes or looks at, of each kind.
local STEP = 500

-- A large record is worth several small ones when work is counted.
local function work_of(record)
    return 1 + math.floor(#record / 2048)
end

-- How many records to read next: some at first, then as many as the budget has for those of the size that was seen. A megabyte of
-- records that a script reads holds Redis for more than a millisecond, and their size is known only once they are read.
local function reading(wanted, budget, looked_at)
    if looked_at == 0 then return math.min(wanted, 10) end
    return math.max(1, math.min(wanted, math.floor(budget * looked_at / (STEP - budget))))
end

-- Removes messages with all that is known of them, at most STEP. `sizes`: of their records, where these were read.
local function forget(positions, sizes)
    if #positions == 0 then return end
    local usage = call('HMGET', META, 'bytes', 'counted-from')
    local bytes, fields = 0, {}
    if usage[1] then bytes, fields = sizes_of(LOG, STATE, positions, tonumber(usage[2]), sizes) end
    call('XDEL', LOG, unpack(positions))
    for _, key in ipairs({ EXP, HELD, BACK, DELAY }) do call('ZREM', key, unpack(positions)) end
    call('HDEL', STATE, unpack(positions))
    if #fields > 0 then call('HDEL', STATE, unpack(fields)) end
    -- A stream stays when its last entry goes.
    local is_empty = call('XLEN', LOG) == 0
    if is_empty then call('DEL', LOG, STATE) end
    if usage[1] then release(META, tonumber(usage[1]), is_empty and math.huge or bytes) end
end

-- Frees what lapsed claims held, and messages whose delay has passed. Whether there may be more: then the order of
-- `freed` is not final, and the caller has to come again.
local function wake(front)
    local lapsed = call('ZRANGEBYSCORE', HELD, '-inf', now, 'LIMIT', 0, STEP)
    local visible = call('ZRANGEBYSCORE', DELAY, '-inf', now, 'LIMIT', 0, STEP)
    local free = {}
    for _, position in ipairs(lapsed) do
        free[#free + 1] = position
        free[#free + 1] = position
    end
    for _, position in ipairs(visible) do
        if tonumber(position) <= front then
            free[#free + 1] = position
            free[#free + 1] = position
        end
    end
    if #free > 0 then
        may_free(META)
        in_chunks('ZADD', BACK, free)
    end
    if #lapsed > 0 then call('ZREM', HELD, unpack(lapsed)) end
    if #visible > 0 then call('ZREM', DELAY, unpack(visible)) end
    return #lapsed == STEP or #visible == STEP
end

-- The last position at which every message that no claim prolonged has expired. An empty queue has a longest ttl of 0,
-- and nothing to step over.
local function expired_through(ttl_max)
    if ttl_max == 0 then return 0 end
    return (now - ttl_max * 1000 + 1) * 2048 - 1
end

-- Claim, count and shown ttl of a message, from its field in `states`.
local function state_of(value)
    if not value then return '', 0, '' end
    local claim, count, ttl = string.match(value, '^([^|]*)|(%d+)|(%d*)$')
    return claim, tonumber(count), ttl
end

-- A state as callers see it: the id of a claim that has ended is not shown.
local function shown(value, held_until)
    if not value then return '' end
    if held_until and tonumber(held_until) > now then return value end
    return string.sub(value, string.find(value, '|', 1, true), -1)
end

-- Where a message lies that a caller names by its position, '' when its id was not made for this queue, and its id; nil
-- when it is not here.
local function find(position, id)
    local expires = position ~= '' and call('ZSCORE', EXP, position)
    if not expires then
        position = call('HGET', ALIAS, id)
        expires = position and call('ZSCORE', EXP, position)
    end
    if expires and tonumber(expires) > now then return position end
    return nil
end

-- The record at a position.
local function record_at(position)
    local entry = call('XRANGE', LOG, position, position)[1]
    return entry and entry[2][2]
end

-- Takes the oldest free messages out of `freed` and moves the front behind those it takes from the log.
-- `keep`, if any, is asked about each message of `freed`; one it refuses is its to remove, and is not counted.
-- Returns {position, record, expires, state} of each, oldest first, and whether work ran out before enough were found.
local function take_free(wanted, keep)
    local meta = call('HMGET', META, 'front', 'ttl-max')
    if not meta[2] then return {}, false end
    local front_before = tonumber(meta[1]) or 0
    local front, ttl_max = front_before, tonumber(meta[2])
    if wake(front) then return {}, true end
    local taken, budget, looked_at = {}, STEP, 0
    while #taken < wanted do
        if budget <= 0 then return taken, true end
        local count = reading(wanted - #taken, budget, looked_at)
        local members, over = call('ZRANGE', BACK, 0, count - 1), {}
        if #members > 0 then
            local ends, states = call('ZMSCORE', EXP, unpack(members)), call('HMGET', STATE, unpack(members))
            for index, position in ipairs(members) do
                local record = ends[index] and tonumber(ends[index]) > now and record_at(position)
                budget = budget - (record and work_of(record) or 1)
                if record then
                    local entry = { position, record, tonumber(ends[index]), states[index] }
                    if not keep or keep(entry) then taken[#taken + 1] = entry end
                else
                    over[#over + 1] = position
                end
            end
            call('ZREM', BACK, unpack(members))
            forget(over)
            looked_at = looked_at + #members
        end
        if #members < count then break end
    end
    if #taken == wanted then return taken, false end
    front = math.max(front, expired_through(ttl_max))
    local delays, ran_out, over, sizes = call('EXISTS', DELAY) == 1, false, {}, {}
    while #taken < wanted do
        if budget <= 0 then
            ran_out = true
            break
        end
        local count = reading(wanted - #taken, budget, looked_at)
        local entries = call('XRANGE', LOG, '(' .. text(front), '+', 'COUNT', count)
        looked_at = looked_at + #entries
        local delayed, positions = {}, {}
        for index, entry in ipairs(entries) do positions[index] = string.sub(entry[1], 1, -3) end
        if delays and #entries > 0 then delayed = call('ZMSCORE', DELAY, unpack(positions)) end
        for index, entry in ipairs(entries) do
            local position, record = positions[index], entry[2][2]
            front = tonumber(position)
            local _, expires = message_life(front, record)
            if expires <= now then
                over[#over + 1] = position
                sizes[#over] = #record
            elseif not delayed[index] then
                taken[#taken + 1] = { position, record, expires }
            end
            budget = budget - work_of(record)
        end
        if #entries < count then break end
    end
    forget(over, sizes)
    if front > front_before then call('HSET', META, 'front', text(front)) end
    return taken, ran_out
end
