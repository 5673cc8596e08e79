-- subscription_health_get.lua: what can be said of how a living subscription is served.
-- KEYS    1 subscription-headers   2 pacing   3 attempt-counts   4 expired-counts   5 subscription-order   and by name: due attempt-log
-- ARGV    1 now   2 prefix   3 id   4 queue
-- RETURNS {} when the queue has none of this id, or what lib_health.lua says
-- COST    log n
call('ZCARD', KEYS[5]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[1], ARGV[3])
if not is_alive(header) or queue_of(header) ~= ARGV[4] then return {} end
return health_of(ARGV[3], header, call('HGET', KEYS[2], ARGV[3]), call('HGET', KEYS[3], ARGV[3]),
    call('HGET', KEYS[4], ARGV[3]))
