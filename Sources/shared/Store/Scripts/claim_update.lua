-- claim_update.lua: let an active claim start anew with another ttl, and its messages outlive it.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 claim   3 ttl, s   4 grace, s
-- RETURNS 1, or 0 without an active one
-- COST    k log n for k messages
may_free(META)
local claim, ttl, grace = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local ended = call('ZSCORE', ENDS, claim)
if not ended or tonumber(ended) <= now then return 0 end
local list = string.match(call('HGET', CLAIMS, claim), '^%d+|%d+|(.*)$')
local positions, claim_end = {}, now + ttl * 1000
for position in string.gmatch(list, '%d+') do positions[#positions + 1] = position end
local states, ends = call('HMGET', STATE, unpack(positions)), call('ZMSCORE', EXP, unpack(positions))
for index, position in ipairs(positions) do
    local holder, count = state_of(states[index])
    if holder == claim then
        call('ZADD', HELD, claim_end, position)
        if tonumber(ends[index]) < claim_end then
            call('ZADD', EXP, now + (ttl + grace) * 1000, position)
            call('HSET', STATE, position, claim .. '|' .. count .. '|' .. (ttl + grace))
        end
    end
end
call('HSET', CLAIMS, claim, now .. '|' .. ttl .. '|' .. list)
call('ZADD', ENDS, claim_end, claim)
if is_waited(call('HGET', META, 'waited-until')) then signal(META, ttl * 1000) end
return 1
