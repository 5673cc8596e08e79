-- delivery_fill.lua: write deliveries that wait for a subscription as they are in another store, each with the record of its message, or
-- '' where it came before. A record that is kept here already, as for deliveries of subscriptions that have ended, is kept for both:
-- what has the same position and the same bytes is the same to its receivers.
-- KEYS    1 payloads   2 payload-references   3 due of the subscription   4 waiting-counts
-- ARGV    1 now   2 project   then per delivery: its name in `due`   its score there   record
-- RETURNS '', or the position of a message that waits here and is another one; what came before it is written
-- COST    log n each
for index = 3, #ARGV, 3 do
    local member, score, record = ARGV[index], ARGV[index + 1], ARGV[index + 2]
    local position = string.match(member, '^%d+')
    local kept = call('HGET', KEYS[1], position)
    if kept and record ~= '' and kept ~= record then return position end
    if not kept then
        -- One without a record has none in the other store either.
        if record ~= '' then call('HSET', KEYS[1], position, record) end
    else
        call('HSET', KEYS[2], position, (tonumber(call('HGET', KEYS[2], position)) or 1) + 1)
    end
    if call('ZADD', KEYS[3], score, member) == 1 then call('HINCRBY', KEYS[4], ARGV[2], 1) end
end
return ''
