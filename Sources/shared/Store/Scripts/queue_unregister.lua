-- queue_unregister.lua: remove a queue that was deleted from the directory of queues.
-- KEYS    1 names of the project's queues   2 pools of the project's queues   3 pools   4 queues of each pool
--         5 projects
-- ARGV    1 now   2 queue   3 project   4… the pools it was deleted on, '' for the default store
-- RETURNS 1 unregistered, 0 it lives on another pool and stays
-- COST    4
local queue = ARGV[2]
local mapped = call('HGET', KEYS[2], queue)
if not mapped or call('HEXISTS', KEYS[3], mapped) == 1 then
    local is_here = false
    for index = 4, #ARGV do is_here = is_here or ARGV[index] == (mapped or '') end
    if not is_here then return 0 end
end
if mapped then
    call('HDEL', KEYS[2], queue)
    if call('HINCRBY', KEYS[4], mapped, -1) == 0 then call('HDEL', KEYS[4], mapped) end
end
call('ZREM', KEYS[1], queue)
if call('EXISTS', KEYS[1]) == 0 then call('ZREM', KEYS[5], ARGV[3]) end
return 1
