-- delivery_renew.lua: move the ends of leases that are still held.
-- KEYS    1 leases
-- ARGV    1 now   2 lease, ms   then per lease: `subscription|position:attempt`   token
-- RETURNS per lease its new end, ms since the epoch, or 0 when it is lost
-- COST    k log n for k leases
local answer = {}
-- It goes on at the memory limit, where a first write that may grow is refused.
call('ZREM', KEYS[1], '')
for index = 3, #ARGV, 2 do
    local held, till = call('ZSCORE', KEYS[1], ARGV[index]), 0
    if held and tonumber(held) >= tonumber(ARGV[index + 1]) then
        till = math.max(tonumber(held), now + tonumber(ARGV[2]))
        call('ZADD', KEYS[1], 'XX', till, ARGV[index])
    end
    answer[#answer + 1] = till
end
return answer
