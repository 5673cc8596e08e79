-- subscription_delete.lua: end a subscription at once. The sweep ends its deliveries, in bounded steps.
-- KEYS    1 subscriptions   2 subscription-headers   3 subscription-order   4 subscriber-addresses
--         5 subscription-expiries   6 usage of the project
-- ARGV    1 now   2 id   3 queue
-- RETURNS 1 ended, 0 the queue has none of this id
-- COST    log n for n subscriptions of the queue
may_free(KEYS[1])
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[2], ARGV[2])
if not header or queue_of(header) ~= ARGV[3] then return 0 end
local record = call('HGET', KEYS[1], ARGV[2])
if not record then return 0 end
local address = address_of(record)
call('HSET', KEYS[2], ARGV[2], ended_header(header))
call('HDEL', KEYS[1], ARGV[2])
count_ended(KEYS[6], ARGV[2])
call('ZREM', KEYS[3], ARGV[2])
if call('HGET', KEYS[4], address) == ARGV[2] then call('HDEL', KEYS[4], address) end
call('ZADD', KEYS[5], 0, ARGV[2])
return 1
