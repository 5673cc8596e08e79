-- subscription_survey.lua: how some subscriptions of a shard are served, whatever their queues.
-- KEYS    1 subscriptions   2 subscription-headers   3 pacing   4 attempt-counts   5 expired-counts   and by name: due
--         attempt-log
-- ARGV    1 now   2 prefix   3… ids, at most 64
-- RETURNS of each that lives {id, address, what lib_health.lua says}
-- COST    k log n, some 20 us each
local found, ids = {}, {}
for index = 3, #ARGV do ids[index - 2] = ARGV[index] end
local headers = call('HMGET', KEYS[2], unpack(ids))
local pacings, counts = call('HMGET', KEYS[3], unpack(ids)), call('HMGET', KEYS[4], unpack(ids))
local expired = call('HMGET', KEYS[5], unpack(ids))
for index, id in ipairs(ids) do
    local header = headers[index]
    local record = is_alive(header) and call('HGET', KEYS[1], id)
    if record then
        found[#found + 1] = { id, (address_of(record)), health_of(id, header, pacings[index], counts[index], expired[index]) }
    end
end
return found
