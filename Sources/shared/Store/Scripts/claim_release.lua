-- claim_release.lua: end a claim and free its messages.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 claim
-- RETURNS how many messages were freed
-- COST    k log n for k messages
local claim = ARGV[2]
local ends, record = call('ZSCORE', ENDS, claim), call('HGET', CLAIMS, claim)
if not ends then return 0 end
local freed = 0
-- What a lapsed claim held is free already, and may be held by another.
if tonumber(ends) > now then
    local positions = {}
    for position in string.gmatch(string.match(record, '|([%d,]*)$'), '%d+') do
        positions[#positions + 1] = position
    end
    local states = call('HMGET', STATE, unpack(positions))
    for index, position in ipairs(positions) do
        local holder, count, ttl = state_of(states[index])
        if holder == claim then
            freed = freed + 1
            call('ZREM', HELD, position)
            call('ZADD', BACK, position, position)
            if count == 0 and ttl == '' then
                call('HDEL', STATE, position)
            else
                call('HSET', STATE, position, '|' .. count .. '|' .. ttl)
            end
        end
    end
end
call('HDEL', CLAIMS, claim)
call('ZREM', ENDS, claim)
if freed > 0 and is_waited(call('HGET', META, 'waited-until')) then signal(META, 0) end
return freed
