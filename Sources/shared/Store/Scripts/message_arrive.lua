-- message_arrive.lua: append messages that another queue gave up. Each arrives once, however often it is sent.
-- KEYS    1 meta   2 log   3 expiries   4 last-position   5 queue-sweeps   6 aliases   7 alias-expiries   8 arrivals
--         9 client-runs   10 states   11 usage of the project
-- ARGV    1 now   2 queue   3 1: create a missing queue
--         then per message: mark   id   created, ms   ttl, s   expires, ms   record
-- RETURNS 1; 0 without a queue, nothing written
-- COST    k log n for k messages
-- What arrives here leaves another queue's memory.
may_free(KEYS[1])
local meta = call('HMGET', KEYS[1], 'created', 'ttl-max', 'sweep-at', 'open-run', 'waited-until', 'posted', 'bytes')
if not meta[1] and ARGV[3] ~= '1' then return 0 end
local position = next_position(KEYS[4])
local posted = tonumber(meta[6]) or 0
if posted == 0 then meta.start = text(position) end
local first, ttl_max, soonest, bytes = position, tonumber(meta[2]) or 0, math.huge, 0
if not meta[1] then
    call('HSET', KEYS[1], 'created', now, 'metadata', '{}', 'ttl-max', 0)
    meta[5] = waited_before(KEYS[1], ARGV[2])
    if meta[5] then call('HSET', KEYS[1], 'waited-until', meta[5]) end
end
-- A mark is needed for as long as its message could arrive again.
local over = call('ZRANGEBYSCORE', KEYS[8], '-inf', now, 'LIMIT', 0, 100)
if #over > 0 then call('ZREM', KEYS[8], unpack(over)) end
for index = 4, #ARGV, 6 do
    local mark, id, created, ttl = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2]), tonumber(ARGV[index + 3])
    local expires, record = tonumber(ARGV[index + 4]), ARGV[index + 5]
    if expires > now and call('ZADD', KEYS[8], 'NX', expires, mark) == 1 then
        local _, flags = struct.unpack(RECORD_HEAD, record)
        local rest = RECORD_REST_FROM
        -- It moved before: the old origin goes, what it says is in created and id.
        if flags >= IS_TIMED then flags, rest = flags - IS_TIMED, rest + RECORD_TIMES_BYTES end
        posted = posted + 1
        record = struct.pack(RECORD_HEAD, ttl, flags + IS_TIMED) .. string.sub(record, RECORD_MARK_FROM, RECORD_MARK_TO)
            .. struct.pack(RECORD_TIMES, created, expires) .. id .. string.sub(record, rest)
        call('XADD', KEYS[2], text(position), text(posted), record)
        bytes = bytes + #record
        if #record > LARGE then call('HSET', KEYS[10], size_field(text(position)), #record) end
        call('ZADD', KEYS[3], expires, text(position))
        call('HSET', KEYS[6], id, text(position))
        call('ZADD', KEYS[7], expires, id)
        ttl_max = math.max(ttl_max, math.ceil((expires - math.floor(position / 2048)) / 1000))
        soonest, position = math.min(soonest, expires), position + 1
    end
end
if position == first then return 1 end
call('SET', KEYS[4], text(position - 1))
if meta.start then call('HSET', KEYS[1], 'start', meta.start) end
call('HSET', KEYS[1], 'posted', text(posted), 'ttl-max', ttl_max, 'open-run', run_with(KEYS[9], meta[4], first, position - first, SEVERAL))
call('HSET', KEYS[1], 'bytes', counted(KEYS[11], tonumber(meta[7]) or 0, bytes))
if not meta[7] then call('HSET', KEYS[1], 'counted-from', text(first)) end
if not meta[3] or soonest < tonumber(meta[3]) then
    call('HSET', KEYS[1], 'sweep-at', soonest)
    call('ZADD', KEYS[5], soonest, ARGV[2])
end
if is_waited(meta[5]) then signal(KEYS[1], 0) end
return 1
