-- process_leave.lua: unregister a process that ends.
-- KEYS    1 processes   2 process-expiries   3 exporter
-- ARGV    1 now   2 process
-- RETURNS 1, or 0 when it was not registered
-- COST    log n for n processes
may_free(KEYS[1])
call('HDEL', KEYS[1], ARGV[2])
-- The next one that says that it lives takes its place.
if call('GET', KEYS[3]) == ARGV[2] then call('DEL', KEYS[3]) end
return call('ZREM', KEYS[2], ARGV[2])
