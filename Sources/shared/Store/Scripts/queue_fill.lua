-- queue_fill.lua: append entries to a closed stream as they are in another store.
-- KEYS    1 log of a closed queue
-- ARGV    1 now   then per entry: its id   its field   its value
-- RETURNS how many
-- COST    1 each
for index = 2, #ARGV, 3 do call('XADD', KEYS[1], ARGV[index], ARGV[index + 1], ARGV[index + 2]) end
return (#ARGV - 1) / 3
