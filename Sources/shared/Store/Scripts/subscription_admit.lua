-- subscription_admit.lua: go on with subscriptions that were held while their queue moved. One that is not held is left alone, so
-- that a repeat changes nothing.
-- KEYS    1 pacing   2 subscription-headers   3 subscription-expiries   4 delivery-sweeps   5 ready-projects   6 wakeup
--         7 usage of the project   8 ready-subscriptions of the project   and by name: due held-subscriptions
-- ARGV    1 now   2 prefix   3 queue   4 shard   5 1: they come from another store, and are counted here from now on
--         then subscriptions, at most 100
-- RETURNS how many went on
-- COST    k log n for k subscriptions
local queue, project, admitted, wakes = ARGV[3], project_of(ARGV[3]), 0, false
begin_at_limit(KEYS[5])
for index = 6, #ARGV do
    local subscription = ARGV[index]
    local header = call('HGET', KEYS[2], subscription)
    local out, window, more = flow_of(call('HGET', KEYS[1], subscription))
    if header and more and more.m and not more.unread and queue_of(header) == queue then
        more.m = nil
        local value, waiting = flow_text(out, window, more), call('ZCARD', due_key(subscription))
        if value then call('HSET', KEYS[1], subscription, value) else call('HDEL', KEYS[1], subscription) end
        call('ZADD', KEYS[3], tonumber(string.sub(header, 1, HEADER_EXPIRES_TO)), subscription)
        if ARGV[5] == '1' then count_new(KEYS[7], position_of(subscription)) end
        count_held(subscription, hold_of(value))
        if waiting > 0 then
            call('ZADD', KEYS[4], 'LT', now, subscription)
            call('ZADD', KEYS[8], now, subscription)
            wakes = true
        end
        admitted = admitted + 1
    end
end
if wakes then
    call('ZADD', KEYS[5], 'LT', now, project)
    call('ZADD', KEYS[6], 0, ARGV[4])
end
return admitted
