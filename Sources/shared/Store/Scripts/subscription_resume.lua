-- subscription_resume.lua: end what keeps a subscription from being served: a pause, an open breaker, that it was disabled.
-- KEYS    1 subscription-headers   2 pacing   3 ready-projects   4 wakeup   5 subscription-order   and by name: due
--         ready-subscriptions held-subscriptions
-- ARGV    1 now   2 prefix   3 id   4 queue   5 shard
-- RETURNS 1; 0: the queue has no living subscription of this id; -1: its pacing cannot be read, and nothing was changed
-- COST    log n
call('ZCARD', KEYS[5]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[1], ARGV[3])
if not is_alive(header) or queue_of(header) ~= ARGV[4] then return 0 end
local out, window, more = flow_of(call('HGET', KEYS[2], ARGV[3]))
if not more then return 1 end
if more.unread then return -1 end
more.p, more.x = nil, nil
local project, waits = project_of(ARGV[4]), call('EXISTS', due_key(ARGV[3])) == 1
begin_at_limit(KEYS[3])
local value = flow_text(out, window, succeeded(more))
if value then call('HSET', KEYS[2], ARGV[3], value) else call('HDEL', KEYS[2], ARGV[3]) end
count_held(ARGV[3], hold_of(value))
if waits then
    call('ZADD', ready_key(project), now, ARGV[3])
    call('ZADD', KEYS[3], 'LT', now, project)
    call('ZADD', KEYS[4], 0, ARGV[5])
end
return 1
