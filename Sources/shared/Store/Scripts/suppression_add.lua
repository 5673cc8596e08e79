-- suppression_add.lua: suppress an address of a project, or change why it is; its bounces are counted anew afterwards.
-- KEYS    1 suppressions   2 suppression-order   3 bounce-days of the address
-- ARGV    1 now   2 address   3 reason   4 detail   5 most addresses
-- RETURNS 1: it was not suppressed before; 0: it was, keeps its place, and has another reason now
-- COST    log n for n addresses
local known = call('ZSCORE', KEYS[2], ARGV[2])
if not known then
    if call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then
        local oldest = call('ZPOPMIN', KEYS[2])
        call('HDEL', KEYS[1], oldest[1])
    end
    -- No two have one place, so that a list goes on where it ended.
    local latest = tonumber(call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2] or 0)
    call('ZADD', KEYS[2], math.max(now, latest + 1), ARGV[2])
end
call('DEL', KEYS[3])
call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. text(now) .. ' ' .. ARGV[4])
return known and 0 or 1
