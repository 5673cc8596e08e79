-- subscription_list.lua: read living subscriptions of a queue in the order of their creation.
-- KEYS    1 subscriptions   2 subscription-headers   3 subscription-order
-- ARGV    1 now   2 position to start behind   3 limit
-- RETURNS {now, position to go on behind when the work of one call was used up or '', then id, header, record ...}
-- COST    log n + k for k subscriptions; at most 500 looked at
local answer, behind, wanted, found, budget = { now, '' }, ARGV[2], tonumber(ARGV[3]), 0, 500
while found < wanted and budget > 0 do
    local count = wanted - found
    local page = call('ZRANGEBYSCORE', KEYS[3], '(' .. behind, '+inf', 'WITHSCORES', 'LIMIT', 0, count)
    local ids = {}
    for index = 1, #page, 2 do ids[#ids + 1] = page[index] end
    if #ids > 0 then
        local headers, records = call('HMGET', KEYS[2], unpack(ids)), call('HMGET', KEYS[1], unpack(ids))
        for index, id in ipairs(ids) do
            if is_alive(headers[index]) then
                found = found + 1
                answer[#answer + 1] = id
                answer[#answer + 1] = headers[index]
                answer[#answer + 1] = records[index]
            end
        end
        behind = page[#page]
    end
    if #ids < count then return answer end
    budget = budget - count
end
if found < wanted then answer[2] = behind end
return answer
