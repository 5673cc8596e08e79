-- queue_drop.lua: forget a closed queue, which lives on in another store. Its subscriptions went before.
-- KEYS    1-20 named for the queue   21-40 the same of a closed one   41 usage, 42 dead-letter-bytes, 43 dead-letter-oldest
--         of the project
-- ARGV    1 now   2 prefix   3 queue   4 ms for which its names stay barred   5 1: its messages and dead letters are counted here
-- RETURNS 1; 0 when it is not closed, nothing written
-- COST    1; Redis frees the messages in the background
local NAMED, queue = 20, ARGV[3]
if call('TYPE', KEYS[1]).ok ~= 'string' then return 0 end
begin_at_limit(KEYS[43])
if ARGV[5] == '1' then
    local held, dead = tonumber(call('HGET', KEYS[1 + NAMED], 'bytes')), tonumber(call('HGET', KEYS[42], queue))
    held = (held or 0) + call('HLEN', KEYS[19 + NAMED]) * POST_KEY_BYTES
    counted(KEYS[41], held, -held)
    if dead then
        call('HDEL', KEYS[42], queue)
        if call('HINCRBY', KEYS[42], '', -dead) <= 0 then call('HDEL', KEYS[42], '') end
    end
    call('ZREM', KEYS[43], queue)
end
call('UNLINK', unpack(KEYS, 1 + NAMED, 2 * NAMED))
for index = 1, NAMED do
    if call('TYPE', KEYS[index]).ok == 'string' then call('PEXPIRE', KEYS[index], ARGV[4]) end
end
return 1
