-- message_get.lua: read messages by their ids, claimed and delayed ones too; those that do not exist are left out.
-- KEYS    1-12 of the queue
-- ARGV    1 now   then per message, at most 100: position or ''   id
-- RETURNS {now, how many of the ids were looked at, then position, record, state ...} in the order of the ids
-- COST    k log n for k messages; it stops behind the record that makes it a megabyte
local answer, seen, budget = { now, 0 }, {}, STEP
for index = 2, #ARGV, 2 do
    local position = find(ARGV[index], ARGV[index + 1])
    if position and not seen[position] then
        seen[position] = true
        local record = record_at(position)
        answer[#answer + 1] = position
        answer[#answer + 1] = record
        answer[#answer + 1] = shown(call('HGET', STATE, position), call('ZSCORE', HELD, position))
        budget = budget - work_of(record)
    end
    answer[2] = index / 2
    if budget <= 0 then break end
end
return answer
