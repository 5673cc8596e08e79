-- message_delete.lua: remove messages by their ids, all of them or none.
-- KEYS    1-12 of the queue
-- ARGV    1 now   2 mode   3 number of messages, at most 100   then per message: position or ''   id   then claims
--         mode 0: whatever claims them   1: one message, with its claim if it has one   2: all under one of the claims
-- RETURNS 'ok', also when there was nothing to remove; nothing is removed in the other cases:
--         'claimed'     mode 1: it is under an active claim, and none was named
--         'notclaimed'  it is under no active claim, or mode 1: the named one is not active
--         'other'       it is under an active claim that was not named; in mode 1 the named one is active
-- COST    k log n for k messages
local count, mode = tonumber(ARGV[3]), ARGV[2]
local positions, named, last_named = {}, {}, nil
for index = 4, 2 + 2 * count, 2 do positions[#positions + 1] = find(ARGV[index], ARGV[index + 1]) end
if #positions == 0 then return 'ok' end
for index = 4 + 2 * count, #ARGV do
    named[ARGV[index]] = true
    last_named = ARGV[index]
end
if mode ~= '0' then
    local held, states = call('ZMSCORE', HELD, unpack(positions)), call('HMGET', STATE, unpack(positions))
    for index in ipairs(positions) do
        if not held[index] or tonumber(held[index]) <= now then
            if mode == '2' or last_named then return 'notclaimed' end
        elseif mode == '1' and not last_named then
            return 'claimed'
        elseif not named[state_of(states[index])] then
            if mode == '2' then return 'other' end
            local ends = call('ZSCORE', ENDS, last_named)
            return ends and tonumber(ends) > now and 'other' or 'notclaimed'
        end
    end
end
forget(positions)
return 'ok'
