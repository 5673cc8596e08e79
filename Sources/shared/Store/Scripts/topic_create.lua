-- topic_create.lua: make a topic, or find that it exists.
-- KEYS    1 names of the project's topics   2 their metadata
-- ARGV    1 now   2 name   3 metadata, JSON
-- RETURNS 1 made, 0 it was there and keeps its metadata
-- COST    log n for n topics of the project
if call('HSETNX', KEYS[2], ARGV[2], ARGV[3]) == 0 then return 0 end
call('ZADD', KEYS[1], 0, ARGV[2])
return 1
