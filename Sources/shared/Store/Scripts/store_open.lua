-- store_open.lua: keep what makes a Redis this store; of many that start at once one wins, also when the Redis is emptied meanwhile.
-- KEYS    1 identity   2 shards   3 key of ids
-- ARGV    1 now   2 identity   3 number of shards   4 key of ids; each counts where none is kept yet
-- RETURNS what is kept now, in the order of KEYS; null for a key that holds something else than a text
-- COST    3
local kept = call('MGET', KEYS[1], KEYS[2], KEYS[3])
for index, key in ipairs(KEYS) do
    if not kept[index] and call('SET', key, ARGV[1 + index], 'NX') then kept[index] = ARGV[1 + index] end
end
return kept
