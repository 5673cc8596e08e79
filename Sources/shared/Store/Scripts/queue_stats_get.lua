-- queue_stats_get.lua: count the messages of a queue, and find the oldest and the newest.
-- KEYS    1-12 of the queue
-- ARGV    1 now
-- RETURNS {1: expired ones were in the way, call again}, or {0, now, total, claimed, then of the oldest and the newest:
--         position, head of the record}
-- COST    log n; at most 500 living ones looked at, or 1,000 expired ones removed on the way
local alive = '(' .. text(now)
local total, claimed = call('ZCOUNT', EXP, alive, '+inf'), call('ZCOUNT', HELD, alive, '+inf')
local answer = { 0, now, total, claimed }
if total == 0 then return answer end

-- As much of a record as comes before its body.
local HEAD = 96
local function add(position)
    answer[#answer + 1] = position
    answer[#answer + 1] = string.sub(record_at(position), 1, HEAD)
end

-- The first message from one end of the log that has not expired. Those in the way are removed.
local function edge(read, from, to)
    for _, count in ipairs({ 1, STEP }) do
        local positions, over, found = {}, {}, nil
        for index, entry in ipairs(call(read, LOG, from, to, 'COUNT', count)) do
            positions[index] = string.sub(entry[1], 1, -3)
        end
        local ends = call('ZMSCORE', EXP, unpack(positions))
        for index, position in ipairs(positions) do
            if tonumber(ends[index]) > now then
                found = position
                break
            end
            over[#over + 1] = position
        end
        forget(over)
        if found then return found end
    end
    return nil
end

local oldest = edge('XRANGE', '-', '+')
local newest = oldest and edge('XREVRANGE', '+', '-')
if newest then
    add(oldest)
    add(newest)
elseif total <= STEP then
    -- Much has expired, and little lives: the living are fewer to look at.
    oldest, newest = nil, nil
    for _, position in ipairs(call('ZRANGEBYSCORE', EXP, alive, '+inf', 'LIMIT', 0, STEP)) do
        local number = tonumber(position)
        if not oldest or number < tonumber(oldest) then oldest = position end
        if not newest or number > tonumber(newest) then newest = position end
    end
    add(oldest)
    add(newest)
else
    return { 1 }
end
return answer
