-- subscription_confirm.lua: write down whether the subscriber agreed.
-- KEYS    1 subscription-headers   2 subscriptions   3 subscription-order
-- ARGV    1 now   2 id   3 queue   4 1 confirmed, 0 withdrawn   5 expiry of the link that says so, s; '' without one
--         6 address the link was sent to; '' for any
-- RETURNS 1, or 0: the queue has no living subscription of this id, or the link was sent to an address before its present one
-- COST    1
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[1], ARGV[2])
if not is_alive(header) or queue_of(header) ~= ARGV[3] then return 0 end
if ARGV[5] ~= '' then
    local record = call('HGET', KEYS[2], ARGV[2])
    if not record then return 0 end
    local _, _, _, _, barred = life_of(record)
    local address = address_of(record)
    if tonumber(ARGV[5]) <= barred or ARGV[6] ~= '' and address ~= ARGV[6] then return 0 end
end
-- The header keeps its length.
may_free(KEYS[1])
call('HSET', KEYS[1], ARGV[2], changed_header(header, nil, ARGV[4]))
return 1
