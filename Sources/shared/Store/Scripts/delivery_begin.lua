-- delivery_begin.lua: mark attempts of suspects as begun, just before they are made: only then does the lapse of their lease speak
-- against them.
-- KEYS    1 leases   2 begun-attempts
-- ARGV    1 now   then per lease, at most 500: `subscription|position:attempt:level`   token
--         a delivery without suspicion needs no mark, and gets none
-- RETURNS per lease 1 begun, or 0 when it is lost and the attempt must not be made
-- COST    k log n for k leases
local answer, begun = {}, {}
for index = 2, #ARGV, 2 do
    local held = call('ZSCORE', KEYS[1], ARGV[index])
    local is_held = held and tonumber(held) >= tonumber(ARGV[index + 1])
    if is_held and string.find(ARGV[index], ':%d+:%d+$') then begun[#begun + 1] = ARGV[index] end
    answer[#answer + 1] = is_held and 1 or 0
end
if #begun > 0 then
    call('ZREM', KEYS[1], '')
    call('SADD', KEYS[2], unpack(begun))
end
return answer
