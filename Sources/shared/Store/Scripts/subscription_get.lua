-- subscription_get.lua: read one living subscription of a queue.
-- KEYS    1 subscriptions   2 subscription-headers   3 subscription-order
-- ARGV    1 now   2 id   3 queue
-- RETURNS {now, header, record}, or {now} when the queue has none of this id
-- COST    1
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[2], ARGV[2])
if not is_alive(header) or queue_of(header) ~= ARGV[3] then return { now } end
return { now, header, call('HGET', KEYS[1], ARGV[2]) }
