-- stats.lua: count the messages of a queue, and find the oldest and the newest.
-- KEYS    1-12 of the queue
-- ARGV    1 now
-- RETURNS {1: expired ones were in the way, call again}, or {0, now, total, claimed, then of the oldest and the newest:
--         position, head of the record}
-- COST    log n; at most 1,000 expired messages are removed on the way
-- As much of a record as comes before its body.
local HEAD = 96
local alive = '(' .. text(now)
local total, claimed = call('ZCOUNT', EXP, alive, '+inf'), call('ZCOUNT', HELD, alive, '+inf')
local answer = { 0, now, total, claimed }
if total == 0 then return answer end
for _, read in ipairs({ { 'XRANGE', '-', '+' }, { 'XREVRANGE', '+', '-' } }) do
    local edge
    for _, count in ipairs({ 1, STEP }) do
        local entries, positions, over = call(read[1], LOG, read[2], read[3], 'COUNT', count), {}, {}
        for index, entry in ipairs(entries) do positions[index] = string.sub(entry[1], 1, -3) end
        local ends = call('ZMSCORE', EXP, unpack(positions))
        for index, entry in ipairs(entries) do
            if tonumber(ends[index]) > now then
                edge = entry
                break
            end
            over[#over + 1] = positions[index]
        end
        forget(over)
        if edge then break end
    end
    if not edge then return { 1 } end
    answer[#answer + 1] = string.sub(edge[1], 1, -3)
    answer[#answer + 1] = string.sub(edge[2][2], 1, HEAD)
end
return answer
