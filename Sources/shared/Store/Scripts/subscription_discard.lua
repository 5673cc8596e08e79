-- subscription_discard.lua: forget held subscriptions of a queue that live on in another store, with the deliveries that wait for
-- them. Trusts stay: they are theirs.
-- KEYS    1 pacing   2 subscription-headers   3 subscriptions   4 attempt-counts   5 expired-counts   6 trusts
--         7 delivery-sweep-marks   8 payloads   9 payload-references   10 payload-expiries   11 turns   12 waiting-counts
--         13 usage of the project   and by name: due attempt-log held-subscriptions
-- ARGV    1 now   2 prefix   3 queue   4 1: they are counted here   5 deliveries, at most 500
--         then subscriptions, at most 100
-- RETURNS 1: some are left, call again with the same
-- COST    k log n for k deliveries and subscriptions
local queue, project, left, ended = ARGV[3], project_of(ARGV[3]), tonumber(ARGV[5]), {}
begin_at_limit(KEYS[10])
local is_left = 0
for index = 6, #ARGV do
    local subscription = ARGV[index]
    local header, key = call('HGET', KEYS[2], subscription), due_key(subscription)
    local _, _, more = flow_of(call('HGET', KEYS[1], subscription))
    if header and more and more.m and queue_of(header) == queue then
        if left <= 0 then
            is_left = 1
            break
        end
        local due = call('ZRANGE', key, 0, left - 1)
        for _, member in ipairs(due) do
            local position, turn = string.match(member, '^(%d+):(.*)$')
            ended[position] = (ended[position] or 0) + 1
            if is_rare(turn) then call('HDEL', KEYS[11], subscription .. '|' .. position) end
        end
        if #due > 0 then
            call('ZREM', key, unpack(due))
            count_held(subscription, true)
            count_waiting(KEYS[12], project, -#due)
        end
        left = left - #due - 1
        if call('EXISTS', key) == 1 then
            is_left = 1
            break
        end
        if ARGV[4] == '1' and call('HEXISTS', KEYS[3], subscription) == 1 then count_ended(KEYS[13], subscription) end
        for number = 1, 7 do call('HDEL', KEYS[number], subscription) end
        count_held(subscription, nil)
        call('DEL', log_key(subscription))
    end
end
end_deliveries(KEYS[8], KEYS[9], KEYS[10], ended)
return is_left
