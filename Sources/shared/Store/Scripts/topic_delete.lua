-- topic_delete.lua: end a topic, also one that does not exist.
-- KEYS    1 names of the project's topics   2 their metadata
-- ARGV    1 now   2 name
-- RETURNS 1 ended, 0 there was none
-- COST    log n for n topics of the project
call('ZREM', KEYS[1], ARGV[2])
return call('HDEL', KEYS[2], ARGV[2])
