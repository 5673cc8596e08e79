-- topic_update.lua: replace the metadata of a topic, unless it is not what the caller read.
-- KEYS    1 metadata of the project's topics
-- ARGV    1 now   2 name   3 metadata as it was read   4 metadata
-- RETURNS 1 replaced; the metadata as it is now when it changed meanwhile, null when the topic is gone
-- COST    1
local stored = call('HGET', KEYS[1], ARGV[2])
if stored ~= ARGV[3] then return stored end
call('HSET', KEYS[1], ARGV[2], ARGV[4])
return 1
