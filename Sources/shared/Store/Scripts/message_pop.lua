-- message_pop.lua: remove and return the oldest free messages. It is no claim: nothing is counted, and nothing is moved.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 limit
-- RETURNS {1: nothing found yet, call again, now, then position, record, state ...}
-- COST    log n + k for k messages; at most 500 looked at and 500 freed, each 2 KiB of a record counts as one
may_free(META)
local taken, ran_out = take_free(tonumber(ARGV[2]))
local answer, positions, sizes = { ran_out and #taken == 0 and 1 or 0, now }, {}, {}
for index, entry in ipairs(taken) do
    positions[index], sizes[index] = entry[1], #entry[2]
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = entry[2]
    answer[#answer + 1] = shown(entry[4])
end
forget(positions, sizes)
return answer
