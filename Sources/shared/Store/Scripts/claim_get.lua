-- claim_get.lua: read an active claim and those of its messages that still exist.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 claim   3 messages of it to pass over
-- RETURNS {now} without an active one; {now, started, ms, ttl, s, messages to pass over next time or 0 when these are the last,
--         then position, record, state ...}
-- COST    k log n for k messages; it stops behind the record that makes it a megabyte
local ends = call('ZSCORE', ENDS, ARGV[2])
if not ends or tonumber(ends) <= now then return { now } end
local started, ttl, list = string.match(call('HGET', CLAIMS, ARGV[2]), '^(%d+)|(%d+)|(.*)$')
local answer, positions, budget = { now, tonumber(started), tonumber(ttl), 0 }, {}, STEP
for position in string.gmatch(list, '%d+') do positions[#positions + 1] = position end
local states = call('HMGET', STATE, unpack(positions))
for index = tonumber(ARGV[3]) + 1, #positions do
    if budget <= 0 then
        answer[4] = index - 1
        break
    end
    local position, state = positions[index], states[index]
    -- The state goes with the message, and names the claim as long as the claim is active.
    if state and state_of(state) == ARGV[2] then
        local record = record_at(position)
        answer[#answer + 1] = position
        answer[#answer + 1] = record
        answer[#answer + 1] = state
        budget = budget - work_of(record)
    end
end
return answer
