-- queue_reserve.lua: keep the name of a queue for a pool, so that it is made there by every process.
-- KEYS    1 names of the project's queues   2 pools of the project's queues   3 reservations of the project   4 pools
--         5 version of the pools   6 queue-moves
-- ARGV    1 now   2 queue   3 pool, or '' for the default store   4 version of the pools the caller knows
--         5 address of the queue   6 address of the queue whose dead letters it is to take
-- RETURNS 'kept', or it lives there | 'elsewhere': it lives there, or is kept for another pool | 'stale': the pools
--         have changed, or one of the two queues moves to another one
-- COST    5
local queue, wanted = ARGV[2], ARGV[3]
if (call('GET', KEYS[5]) or '0') ~= ARGV[4] then return 'stale' end
if call('HEXISTS', KEYS[6], ARGV[5]) == 1 or call('HEXISTS', KEYS[6], ARGV[6]) == 1 then return 'stale' end
local function is_there(pool) return pool == '' or call('HEXISTS', KEYS[4], pool) == 1 end

local mapped = call('HGET', KEYS[2], queue)
if mapped and is_there(mapped) then
    if mapped ~= wanted then return 'elsewhere' end
elseif not mapped and call('ZSCORE', KEYS[1], queue) then
    if wanted ~= '' then return 'elsewhere' end
else
    local kept = call('HGET', KEYS[3], queue)
    if kept and kept ~= wanted and is_there(kept) then return 'elsewhere' end
end
call('HSET', KEYS[3], queue, wanted)
return 'kept'
