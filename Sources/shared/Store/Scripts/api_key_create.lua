-- api_key_create.lua: write down an API key.
-- KEYS    1 api-key   2 api-key-order
-- ARGV    1 now   2 its place in the order, which begins with that of its project   3 what that begins with   4 most keys of a project
--         then fields and values
-- RETURNS 1; 0: there is one of this id; -1: the project has too many
-- COST    log n for n keys
if call('EXISTS', KEYS[1]) == 1 then return 0 end
if call('ZLEXCOUNT', KEYS[2], '[' .. ARGV[3], '(' .. ARGV[3] .. '\255') >= tonumber(ARGV[4]) then return -1 end
call('HSET', KEYS[1], 'created', text(now), unpack(ARGV, 5))
call('ZADD', KEYS[2], 0, ARGV[2])
return 1
