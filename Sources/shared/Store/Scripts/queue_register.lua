-- queue_register.lua: decide where a queue lives, or find that it is decided.
-- KEYS    1 names of the project's queues   2 pools of the project's queues   3 reservations of the project   4 pools
--         5 version of the pools   6 queues of each pool   7 projects
-- ARGV    1 now   2 queue   3 pool, or '' for the default store   4 version the pool was chosen by; '': it is a fact
--         5 1: not when the queue is kept for another pool   6 most queues of the project, or 0   7 project
-- RETURNS { 'at', pool }: it lives there, now or already | { 'reserved', pool }: it is kept for that one
--         | { 'stale' }: the pools have changed | { 'full' }: the project has as many queues
-- COST    4 to 9 lookups
-- A pool that is no longer registered is as good as none: its queues may be made anew elsewhere.
local names, catalogue, reservations, pools, version, counts = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local queue, wanted = ARGV[2], ARGV[3]

local function is_there(pool) return pool == '' or call('HEXISTS', pools, pool) == 1 end

local mapped = call('HGET', catalogue, queue)
if mapped and is_there(mapped) then return { 'at', mapped } end
if not mapped and call('ZSCORE', names, queue) then return { 'at', '' } end

if ARGV[4] ~= '' and (call('GET', version) or '0') ~= ARGV[4] then return { 'stale' } end
if ARGV[5] == '1' then
    local kept = call('HGET', reservations, queue)
    if kept and kept ~= wanted and is_there(kept) then return { 'reserved', kept } end
end
if not is_there(wanted) then return { 'stale' } end
-- A queue of a pool that is gone has its name already.
if ARGV[6] ~= '0' and not mapped and call('ZCARD', names) >= tonumber(ARGV[6]) then return { 'full' } end

-- First what grows: a Redis without memory refuses all of it.
call('ZADD', names, 0, queue)
call('ZADD', KEYS[7], 0, ARGV[7])
if mapped then
    call('HDEL', catalogue, queue)
    call('HINCRBY', counts, mapped, -1)
end
if wanted ~= '' then
    call('HSET', catalogue, queue, wanted)
    call('HINCRBY', counts, wanted, 1)
end
return { 'at', wanted }
