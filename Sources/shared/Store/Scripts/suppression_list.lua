-- suppression_list.lua: a page of a project's suppressed addresses, oldest first.
-- KEYS    1 suppressions   2 suppression-order
-- ARGV    1 now   2 place to go on behind   3 limit
-- RETURNS address, place, record ...
-- COST    log n + k for k of n addresses
local page = call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
if #page == 0 then return {} end
local addresses, answer = {}, {}
for index = 1, #page, 2 do addresses[#addresses + 1] = page[index] end
for index, record in ipairs(call('HMGET', KEYS[1], unpack(addresses))) do
    answer[#answer + 1] = page[2 * index - 1]
    answer[#answer + 1] = page[2 * index]
    answer[#answer + 1] = record or ''
end
return answer
