-- message_follow.lua: read what a queue keeps behind a place, oldest first, whatever its state.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 position to read behind; '': the end; '-': the start   3 number of the last message that was
--         passed there, or '' where it is not known   4 most messages
-- RETURNS {now, 1: the queue is another one than that of the place, number passed before, position to go on behind, number
--         passed now, numbers of the messages joined by commas, then position, record, state ...}. Messages have the numbers 1, 2, …
--         in the order in which they were posted; 0 stands for one that has none.
-- COST    log n + k; at most 500 looked at, each 2 KiB of a record counts as one: a megabyte and the first ten
local meta = call('HMGET', META, 'posted', 'start', 'created')
local posted, start = tonumber(meta[1]) or 0, tonumber(meta[2]) or 0
local wanted, found, budget, looked_at = tonumber(ARGV[4]), 0, STEP, 0
local behind, passed, is_other = tonumber(ARGV[2]), tonumber(ARGV[3]), 0

local function place_of(entry)
    if not entry then return nil, nil end
    return tonumber(string.sub(entry[1], 1, -3)), tonumber(entry[2][1]) or 0
end

if ARGV[2] == '' then
    behind, passed = place_of(call('XREVRANGE', LOG, '+', '-', 'COUNT', 1)[1]) or start, posted
elseif ARGV[2] == '-' then
    local _, number = place_of(call('XRANGE', LOG, '-', '+', 'COUNT', 1)[1])
    behind, passed = 0, math.max((number or posted + 1) - 1, 0)
elseif passed and passed > 0 and meta[3] and (passed > posted or behind < start) then
    -- It was deleted meanwhile, and numbers begin anew.
    behind, passed, is_other = 0, 0, 1
elseif not passed then
    local _, number = place_of(call('XREVRANGE', LOG, text(behind), '-', 'COUNT', 1)[1])
    passed = number or 0
end
local answer, numbers = { now, is_other, text(passed), '', '', '' }, {}
local is_complete = false
while found < wanted and budget > 0 and not is_complete do
    local count = reading(wanted - found, budget, looked_at)
    local entries, positions = call('XRANGE', LOG, '(' .. text(behind), '+', 'COUNT', count), {}
    looked_at = looked_at + #entries
    is_complete = #entries < count
    if #entries > 0 then
        for index, entry in ipairs(entries) do positions[index] = string.sub(entry[1], 1, -3) end
        local ends, held = call('ZMSCORE', EXP, unpack(positions)), call('ZMSCORE', HELD, unpack(positions))
        local states = call('HMGET', STATE, unpack(positions))
        for index, entry in ipairs(entries) do
            local record, number = entry[2][2], tonumber(entry[2][1]) or 0
            behind, passed, budget = tonumber(positions[index]), math.max(passed, number), budget - work_of(record)
            if ends[index] and tonumber(ends[index]) > now then
                found = found + 1
                numbers[found] = text(number)
                answer[#answer + 1] = positions[index]
                answer[#answer + 1] = record
                answer[#answer + 1] = shown(states[index], held[index])
            end
        end
    end
end
-- Behind the last one that is left others may have been.
if is_complete then passed, behind = math.max(passed, posted), math.max(behind, start) end
answer[4], answer[5], answer[6] = text(behind), text(passed), table.concat(numbers, ',')
return answer
