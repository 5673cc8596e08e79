-- claim_get.lua: read an active claim and those of its messages that still exist.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 claim
-- RETURNS {now} without an active one; {now, started, ms, ttl, s, then position, record, state ...}
-- COST    k log n for k messages
local ends = call('ZSCORE', ENDS, ARGV[2])
if not ends or tonumber(ends) <= now then return { now } end
local started, ttl, list = string.match(call('HGET', CLAIMS, ARGV[2]), '^(%d+)|(%d+)|(.*)$')
local answer, positions = { now, tonumber(started), tonumber(ttl) }, {}
for position in string.gmatch(list, '%d+') do positions[#positions + 1] = position end
local states = call('HMGET', STATE, unpack(positions))
for index, position in ipairs(positions) do
    -- The state goes with the message, and names the claim as long as the claim is active.
    if states[index] and state_of(states[index]) == ARGV[2] then
        answer[#answer + 1] = position
        answer[#answer + 1] = record_at(position)
        answer[#answer + 1] = states[index]
    end
end
return answer
