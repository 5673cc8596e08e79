-- arrive.lua: append messages that another queue gave up. Each arrives once, however often it is sent.
-- KEYS    1 meta   2 log   3 exp   4 pos   5 sweep   6 alias   7 aexp   8 in   9 runs
-- ARGV    1 now   2 queue   3 1: create a missing queue
--         then per message: mark   id   created, ms   ttl, s   expires, ms   record
-- RETURNS 1; 0 without a queue, nothing written
-- COST    k log n for k messages
-- What arrives here leaves another queue's memory.
may_free(KEYS[1])
local meta = call('HMGET', KEYS[1], 'c', 'mttl', 'sw', 'run')
if not meta[1] and ARGV[3] ~= '1' then return 0 end
local position = next_position(KEYS[4])
local first, ttl_max, soonest = position, tonumber(meta[2]) or 0, math.huge
if not meta[1] then call('HSET', KEYS[1], 'c', now, 'md', '{}', 'mttl', 0) end
-- A mark is needed for as long as its message could arrive again.
local over = call('ZRANGEBYSCORE', KEYS[8], '-inf', now, 'LIMIT', 0, 100)
if #over > 0 then call('ZREM', KEYS[8], unpack(over)) end
for index = 4, #ARGV, 6 do
    local mark, id, created, ttl = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2]), tonumber(ARGV[index + 3])
    local expires, record = tonumber(ARGV[index + 4]), ARGV[index + 5]
    if expires > now and call('ZADD', KEYS[8], 'NX', expires, mark) == 1 then
        local flags, rest = string.byte(record, 5), 14
        -- It moved before: the old origin goes, what it says is in created and id.
        if flags >= 8 then flags, rest = flags - 8, 14 + 8 + 8 + 27 end
        call('XADD', KEYS[2], text(position), '', struct.pack('>I4B', ttl, flags + 8) .. string.sub(record, 6, 13)
            .. struct.pack('>I8I8', created, expires) .. id .. string.sub(record, rest))
        call('ZADD', KEYS[3], expires, text(position))
        call('HSET', KEYS[6], id, text(position))
        call('ZADD', KEYS[7], expires, id)
        ttl_max = math.max(ttl_max, math.ceil((expires - math.floor(position / 2048)) / 1000))
        soonest, position = math.min(soonest, expires), position + 1
    end
end
if position == first then return 1 end
call('SET', KEYS[4], text(position - 1))
call('HSET', KEYS[1], 'mttl', ttl_max, 'run', run_with(KEYS[9], meta[4], first, position - first, SEVERAL))
if not meta[3] or soonest < tonumber(meta[3]) then
    call('HSET', KEYS[1], 'sw', soonest)
    call('ZADD', KEYS[5], soonest, ARGV[2])
end
return 1
