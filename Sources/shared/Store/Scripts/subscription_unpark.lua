-- subscription_unpark.lua: make subscriptions ready now that were parked because their host had no capacity, or no session their name.
-- KEYS    1 pacing   2 ready-projects   3 subscription-headers   4 wakeup   and by name: due ready-subscriptions
--         held-subscriptions
-- ARGV    1 now   2 prefix   3 shard whose notifiers are to be woken, '' for none   then subscriptions, at most 500
-- RETURNS how many of them were parked and have something that waits
-- COST    k log n for k subscriptions
local subscriptions, woken, flow, idle, released, count = {}, {}, {}, {}, {}, 0
for index = 4, #ARGV do subscriptions[index - 3] = ARGV[index] end
local headers, flows = call('HMGET', KEYS[3], unpack(subscriptions)), call('HMGET', KEYS[1], unpack(subscriptions))
for index, subscription in ipairs(subscriptions) do
    local out, window, more = flow_of(flows[index])
    -- A session that takes a name is another one than those that failed before it.
    if more and ARGV[3] ~= '' then more = succeeded(more) end
    if is_alive(headers[index]) and more and (more.h or ARGV[3] ~= '') then
        more.h = nil
        local value = flow_text(out, window, more)
        table.insert(value and flow or idle, subscription)
        if value then table.insert(flow, value) end
        if hold_of(flows[index]) ~= hold_of(value) then released[subscription] = hold_of(value) or false end
        if not more.m and call('EXISTS', due_key(subscription)) == 1 then
            local project = project_of(queue_of(headers[index]))
            woken[project] = woken[project] or { }
            table.insert(woken[project], now)
            table.insert(woken[project], subscription)
            count = count + 1
        end
    end
end
call('HDEL', KEYS[1], '')
in_chunks('HDEL', KEYS[1], idle)
in_chunks('HSET', KEYS[1], flow)
for subscription, hold in pairs(released) do count_held(subscription, hold) end
for project, members in pairs(woken) do
    call('ZADD', ready_key(project), unpack(members))
    call('ZADD', KEYS[2], 'LT', now, project)
end
if count > 0 and ARGV[3] ~= '' then call('ZADD', KEYS[4], 0, ARGV[3]) end
return count
