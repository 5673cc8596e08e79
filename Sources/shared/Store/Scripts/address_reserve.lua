-- address_reserve.lua: reserve deliveries to addresses of projects, each of which gets at most so many in any hour.
-- KEYS    address-times of the address of each delivery
-- ARGV    1 now   2 most in an hour   then the id of each delivery
-- RETURNS per delivery 0: it is reserved, also when it was before; else ms until one more may be
-- COST    k log n for k deliveries and n of an address in the last hour
local HOUR, most = 3600000, tonumber(ARGV[2])
local answer = {}
for index = 1, #ARGV - 2 do
    local key, delivery = KEYS[index], ARGV[index + 2]
    call('ZREMRANGEBYSCORE', key, '-inf', now - HOUR)
    if call('ZSCORE', key, delivery) or call('ZCARD', key) < most then
        call('ZADD', key, now, delivery)
        call('PEXPIRE', key, HOUR)
        answer[index] = 0
    else
        answer[index] = tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) + HOUR - now
    end
end
return answer
