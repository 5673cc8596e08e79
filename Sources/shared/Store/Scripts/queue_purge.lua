-- queue_purge.lua: remove every message of a queue and every claim, and keep the queue and the keys of its posts.
-- KEYS    1-12 of the queue   13 queue-sweeps   14 post-key-expiries
-- ARGV    1 now   2 queue
-- RETURNS 1
-- COST    1; Redis frees the messages in the background
local bytes = tonumber(call('HGET', META, 'bytes'))
call('UNLINK', unpack(KEYS, 2, 12))
if bytes then release(META, bytes, bytes) end
local at = call('ZRANGE', KEYS[14], 0, 0, 'WITHSCORES')[2]
if at then
    call('ZADD', KEYS[13], at, ARGV[2])
    call('HSET', META, 'sweep-at', at)
else
    call('ZREM', KEYS[13], ARGV[2])
    call('HDEL', META, 'sweep-at')
end
if call('EXISTS', META) == 1 then
    call('HDEL', META, 'open-run')
    call('HSET', META, 'ttl-max', 0)
end
return 1
