-- store_open.lua: keep what makes a Redis this store; of many that start at once one wins, also when the Redis is emptied
-- meanwhile. The format is kept by the first start alone: a store without one was not written by Herald.
-- KEYS    1 identity   2 shards   3 id-key   4 format
-- ARGV    1 now   2 identity   3 number of shards   4 key of ids   5 format; each counts where none is kept yet
-- RETURNS what is kept now, in the order of KEYS; null for a key that holds something else than a text
-- COST    4
local kept = call('MGET', unpack(KEYS, 1, 4))
local is_new = call('EXISTS', KEYS[1], KEYS[2]) == 0
for index = 1, 4 do
    if not kept[index] and (index < 4 or is_new) and call('SET', KEYS[index], ARGV[1 + index], 'NX') then
        kept[index] = ARGV[1 + index]
    end
end
return kept
