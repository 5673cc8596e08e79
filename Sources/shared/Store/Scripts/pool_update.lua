-- pool_update.lua: change pools and flavors, all or nothing, if they have not changed meanwhile.
-- KEYS    1 version   2 pools   3 flavors   4 queues of each pool
-- ARGV    1 now   2 version the changes were made from   3 a pool that must have no queues, or ''
--         then of each change: 'pool' or 'flavor', its name, its record or '' to remove it
-- RETURNS { 'done', version } | { 'stale' } | { 'used', queues }
-- COST    1 a change
if (call('GET', KEYS[1]) or '0') ~= ARGV[2] then return { 'stale' } end
if ARGV[3] ~= '' then
    local queues = tonumber(call('HGET', KEYS[4], ARGV[3]) or '0')
    if queues > 0 then return { 'used', queues } end
end
for index = 4, #ARGV, 3 do
    local key = ARGV[index] == 'pool' and KEYS[2] or KEYS[3]
    if ARGV[index + 2] == '' then
        call('HDEL', key, ARGV[index + 1])
    else
        call('HSET', key, ARGV[index + 1], ARGV[index + 2])
    end
end
return { 'done', call('INCR', KEYS[1]) }
