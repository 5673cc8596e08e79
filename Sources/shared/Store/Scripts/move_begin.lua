-- move_begin.lua: note that queues of one project move to another pool.
-- KEYS    1 names of the project's queues   2 pools of the project's queues   3 pools   4 version of the pools   5 queue-moves
-- ARGV    1 now   2 version of the pools the caller knows   3 pool they leave, 4 pool they go to, '' for the default store
--         5 mover   6 ms for which the note counts   then per queue: its name   its address   its shard; it need not be there
-- RETURNS {'begun'} | {'stale'}: the pools have changed | {'elsewhere', name}: it lives on another pool |
--         {'busy', name}: it moves already, or another queue of its shard does
-- COST    4 a queue, and as many as move
if (call('GET', KEYS[4]) or '0') ~= ARGV[2] then return { 'stale' } end
-- Two movers at once could not see that messages they copy to one shard have the same position.
local shards = {}
for _, note in ipairs(call('HVALS', KEYS[5])) do shards[string.match(note, '^%a+|%d+|%w+|(%d+)|') or ''] = true end
for index = 7, #ARGV, 3 do
    local mapped = call('HGET', KEYS[2], ARGV[index])
    if not mapped and call('ZSCORE', KEYS[1], ARGV[index]) then mapped = '' end
    if mapped and mapped ~= ARGV[3] then return { 'elsewhere', ARGV[index] } end
    if call('HEXISTS', KEYS[5], ARGV[index + 1]) == 1 or shards[ARGV[index + 2]] then return { 'busy', ARGV[index] } end
end
local ends = text(now + tonumber(ARGV[6]))
for index = 7, #ARGV, 3 do
    call('HSET', KEYS[5], ARGV[index + 1],
        table.concat({ 'copying', ends, ARGV[5], ARGV[index + 2], ARGV[3], ARGV[4] }, '|'))
end
return { 'begun' }
