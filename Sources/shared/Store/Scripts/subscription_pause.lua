-- subscription_pause.lua: start no attempt of a subscription until it is resumed; its deliveries wait.
-- KEYS    1 subscription-headers   2 pacing   3 subscription-order   and by name: due held-subscriptions
-- ARGV    1 now   2 prefix   3 id   4 queue
-- RETURNS 1; 0: the queue has no living subscription of this id; -1: its pacing cannot be read, and nothing was changed
-- COST    1
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[1], ARGV[3])
if not is_alive(header) or queue_of(header) ~= ARGV[4] then return 0 end
local out, window, more = flow_of(call('HGET', KEYS[2], ARGV[3]))
if more and more.unread then return -1 end
more = more or {}
more.p = more.p or now
call('HDEL', KEYS[2], '')
local value = flow_text(out, window, more)
call('HSET', KEYS[2], ARGV[3], value)
count_held(ARGV[3], hold_of(value))
return 1
