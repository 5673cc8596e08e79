-- queue_delete.lua: end a queue with all its messages, claims and dead letters. Its subscriptions, and notifications already on their way,
-- live on.
-- KEYS    1-12 of the queue   13 queue-sweeps   14 dead-letters   15 dead-letter-entries   16 dead-letter-records
--         17 dead-letter-bytes   18 dead-letter-oldest of the project   19 post-keys   20 post-key-expiries
-- ARGV    1 now   2 queue   3 1: only when it holds no message, and no key of a post
-- RETURNS 1 it existed, 0 it did not, -1 it holds one and stays
-- COST    1; Redis frees the messages in the background
local held = tonumber(call('HGET', META, 'bytes'))
if ARGV[3] == '1' and call('EXISTS', KEYS[2], KEYS[19]) > 0 then return -1 end
call('ZREM', KEYS[13], ARGV[2])
call('UNLINK', unpack(KEYS, 14, 16))
local keys = call('HLEN', KEYS[19])
if keys > 0 then counted(usage_of(META), keys * POST_KEY_BYTES, -keys * POST_KEY_BYTES) end
call('UNLINK', KEYS[19], KEYS[20])
local bytes = tonumber(call('HGET', KEYS[17], ARGV[2]) or 0)
call('HDEL', KEYS[17], ARGV[2])
if bytes > 0 and call('HINCRBY', KEYS[17], '', -bytes) <= 0 then call('HDEL', KEYS[17], '') end
call('ZREM', KEYS[18], ARGV[2])
if held then release(META, held, held) end
return call('UNLINK', unpack(KEYS, 1, 12)) > 0 and 1 or 0
