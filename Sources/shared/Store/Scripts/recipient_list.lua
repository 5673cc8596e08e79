-- recipient_list.lua: read the subscriptions that deliveries go to.
-- KEYS    1 subscriptions   2 subscription-headers
-- ARGV    1 now   2 1: also those whose time is over   then ids, at most 64
-- RETURNS {now}, then per id header, record; both '' of one that does not count
-- COST    k
local headers, records = call('HMGET', KEYS[2], unpack(ARGV, 3)), call('HMGET', KEYS[1], unpack(ARGV, 3))
local answer = { now }
for index, header in ipairs(headers) do
    local lives = records[index] and header and (ARGV[2] == '1' or is_alive(header))
    answer[#answer + 1] = lives and header or ''
    answer[#answer + 1] = lives and records[index] or ''
end
return answer
