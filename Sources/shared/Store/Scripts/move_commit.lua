-- move_commit.lua: let queues of one project live on the pool that they were copied to.
-- KEYS    1 pools of the project's queues   2 reservations of the project   3 pools   4 version of the pools
--         5 queues of each pool   6 queue-moves   7 names of the project's queues
-- ARGV    1 now   2 version of the pools the caller knows   3 pool they leave, 4 pool they go to, '' for the default store
--         5 mover   6 ms for which the note counts   then per queue: its name   its address   its shard
-- RETURNS 'committed', also when they were; 'stale': the pools have changed; 'lost': another process has ended the move, or
--         a queue was deleted and made again elsewhere
-- COST    5 a queue
local function phase_of(queue)
    local phase, _, mover = string.match(call('HGET', KEYS[6], queue) or '', '^(%a+)|(%d+)|(%w+)|')
    return mover == ARGV[5] and phase
end
local phase = phase_of(ARGV[8])
if phase == 'committed' then return 'committed' end
for index = 7, #ARGV, 3 do
    if phase_of(ARGV[index + 1]) ~= 'copying' then return 'lost' end
    local is_there = call('ZSCORE', KEYS[7], ARGV[index])
    if is_there and (call('HGET', KEYS[1], ARGV[index]) or '') ~= ARGV[3] then return 'lost' end
end
if (call('GET', KEYS[4]) or '0') ~= ARGV[2] then return 'stale' end

local ends = text(now + tonumber(ARGV[6]))
for index = 7, #ARGV, 3 do
    local name = ARGV[index]
    -- One that is not there may have its name kept for the pool of those whose dead letters it is to take.
    if call('HEXISTS', KEYS[2], name) == 1 then call('HSET', KEYS[2], name, ARGV[4]) end
    if call('ZSCORE', KEYS[7], name) then
        if ARGV[4] ~= '' then
            call('HSET', KEYS[1], name, ARGV[4])
            call('HINCRBY', KEYS[5], ARGV[4], 1)
        else
            call('HDEL', KEYS[1], name)
        end
        if ARGV[3] ~= '' and call('HINCRBY', KEYS[5], ARGV[3], -1) <= 0 then call('HDEL', KEYS[5], ARGV[3]) end
    end
    call('HSET', KEYS[6], ARGV[index + 1],
        table.concat({ 'committed', ends, ARGV[5], ARGV[index + 2], ARGV[3], ARGV[4] }, '|'))
end
return 'committed'
