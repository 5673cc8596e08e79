-- queue_hold.lua: start no attempt of some subscriptions of a queue that moves to another pool; those under way go on.
-- KEYS    1 pacing   2 subscription-order
-- ARGV    1 now   2 prefix   then subscriptions, at most 500
-- RETURNS how many of them have a pacing that cannot be read, and are not held
-- COST    k log n for k subscriptions
call('ZCARD', KEYS[2]) -- Fails where its queue is closed, see queue_close.lua.
local subscriptions, flow, unread = {}, {}, 0
for index = 3, #ARGV do subscriptions[index - 2] = ARGV[index] end
for index, value in ipairs(call('HMGET', KEYS[1], unpack(subscriptions))) do
    local out, window, more = flow_of(value)
    if more and more.unread then
        unread = unread + 1
    else
        more = more or {}
        more.m = more.m or now
        flow[#flow + 1] = subscriptions[index]
        flow[#flow + 1] = flow_text(out, window, more)
    end
end
call('HDEL', KEYS[1], '')
in_chunks('HSET', KEYS[1], flow)
return unread
