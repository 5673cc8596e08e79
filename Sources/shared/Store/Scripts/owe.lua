-- owe.lua: owe a subscriber a document that no client posted, like any other delivery: the question whether it wants to
-- be notified, its way back, a test.
-- KEYS    1 subh   2 pos   3 pay   4 rp   5 bell   6 asked   and by name: due r
-- ARGV    1 now   2 prefix   3 id   4 queue   5 shard   6 address   7 ms between two of a kind, 0 for any number
--         8 ttl of the document, s   9 flags of the record   10 document
-- RETURNS {'owed', position}; {'held'}: this subscription asked that address the same less than that long ago, nothing
--         is sent; {'absent'}: the queue has no living subscription of this id
-- COST    log n for n addresses asked lately
local header = call('HGET', KEYS[1], ARGV[3])
if not is_alive(header) or queue_of(header) ~= ARGV[4] then return { 'absent' } end

local pause = tonumber(ARGV[7])
if pause > 0 then
    local lately = now - pause
    local forgotten = call('ZRANGEBYSCORE', KEYS[6], '-inf', lately, 'LIMIT', 0, 100)
    if #forgotten > 0 then call('ZREM', KEYS[6], unpack(forgotten)) end
    local question = ARGV[9] .. '|' .. ARGV[3] .. '|' .. ARGV[6]
    local asked = tonumber(call('ZSCORE', KEYS[6], question))
    if asked and asked > lately then return { 'held' } end
    call('ZADD', KEYS[6], now, question)
end

-- The record of a message that no client posted; the delivery counts as one, so `ref` has nothing to say.
local position, project = next_position(KEYS[2]), project_of(ARGV[4])
call('SET', KEYS[2], position)
call('HSET', KEYS[3], position, struct.pack('>I4B', ARGV[8], ARGV[9]) .. string.rep('\0', 8) .. ARGV[10])
-- Of an ordered one the position alone is the order.
call('ZADD', due_key(ARGV[3]), string.sub(header, 17, 17) == '1' and 0 or now, text(position) .. ':1')
call('ZADD', ready_key(project), 'LT', now, ARGV[3])
call('ZADD', KEYS[4], 'LT', now, project)
call('ZADD', KEYS[5], 0, ARGV[5])
return { 'owed', position }
