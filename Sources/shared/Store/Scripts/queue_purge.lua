-- queue_purge.lua: remove every message of a queue and every claim, and keep the queue.
-- KEYS    1-12 of the queue   13 queue-sweeps
-- ARGV    1 now   2 queue
-- RETURNS 1
-- COST    1; Redis frees the messages in the background
local bytes = tonumber(call('HGET', META, 'bytes'))
call('UNLINK', unpack(KEYS, 2, 12))
if bytes then release(META, bytes, bytes) end
call('ZREM', KEYS[13], ARGV[2])
if call('EXISTS', META) == 1 then
    call('HDEL', META, 'sweep-at', 'open-run')
    call('HSET', META, 'ttl-max', 0)
end
return 1
