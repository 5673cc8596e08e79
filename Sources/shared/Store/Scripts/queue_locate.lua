-- queue_locate.lua: tell where queues of a project live.
-- KEYS    1 names of the project's queues   2 pools of the project's queues   3 reservations of the project   4 pools
-- ARGV    1 now   2… queues
-- RETURNS of each queue { 'at', pool } | { 'absent' } | { 'reserved', pool }: absent, and its name reserved for that pool
-- COST    4 a queue
local function is_there(pool) return pool == '' or call('HEXISTS', KEYS[4], pool) == 1 end

local found = {}
for index = 2, #ARGV do
    local queue = ARGV[index]
    local mapped = call('HGET', KEYS[2], queue)
    if mapped and is_there(mapped) then
        found[#found + 1] = { 'at', mapped }
    elseif not mapped and call('ZSCORE', KEYS[1], queue) then
        found[#found + 1] = { 'at', '' }
    else
        local kept = call('HGET', KEYS[3], queue)
        if kept and is_there(kept) then
            found[#found + 1] = { 'reserved', kept }
        else
            found[#found + 1] = { 'absent' }
        end
    end
end
return found
