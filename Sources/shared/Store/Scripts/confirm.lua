-- confirm.lua: write down whether the subscriber agreed.
-- KEYS    1 subh
-- ARGV    1 now   2 id   3 queue   4 1 confirmed, 0 withdrawn
-- RETURNS 1, or 0: the queue has no living subscription of this id
-- COST    1
local header = call('HGET', KEYS[1], ARGV[2])
if not header or tonumber(string.sub(header, 1, 15)) <= now or queue_of(header) ~= ARGV[3] then return 0 end
call('HSET', KEYS[1], ARGV[2],
    string.sub(header, 1, 15) .. ARGV[4] .. string.sub(header, 17, 23) .. next_version(header) .. ARGV[3])
return 1
