-- process_beat.lua: register a process, or say that it still lives, and elect the exporter of the deployment's metrics.
-- KEYS    1 processes   2 process-expiries   3 exporter   4 format
-- ARGV    1 now   2 process   3 what it says of itself   4 ms until it counts as ended
-- RETURNS {format of the store or '', 1: the process is the exporter}
-- COST    log n for n processes; at most 100 ended ones removed
may_free(KEYS[1])
local ended = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)
if #ended > 0 then
    call('ZREM', KEYS[2], unpack(ended))
    call('HDEL', KEYS[1], unpack(ended))
end
call('HSET', KEYS[1], ARGV[2], ARGV[3])
call('ZADD', KEYS[2], text(now + tonumber(ARGV[4])), ARGV[2])
-- The exporter stays the one it is while it lives.
local exporter = call('GET', KEYS[3])
if not exporter or not call('ZSCORE', KEYS[2], exporter) then
    exporter = ARGV[2]
    call('SET', KEYS[3], exporter)
end
return { call('GET', KEYS[4]) or '', exporter == ARGV[2] and 1 or 0 }
