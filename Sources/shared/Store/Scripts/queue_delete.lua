-- queue_delete.lua: end a queue with all its messages, claims and dead letters. Its subscriptions, and notifications already on their way,
-- live on.
-- KEYS    1-12 of the queue   13 queue-sweeps   14 dead-letters   15 dead-letter-entries   16 dead-letter-records
--         17 dead-letter-bytes   18 dead-letter-oldest of the project
-- ARGV    1 now   2 queue   3 1: only when it holds no message
-- RETURNS 1 it existed, 0 it did not, -1 it holds messages and stays
-- COST    1; Redis frees the messages in the background
local held = tonumber(call('HGET', META, 'bytes'))
if ARGV[3] == '1' and call('EXISTS', KEYS[2]) == 1 then return -1 end
call('ZREM', KEYS[13], ARGV[2])
call('UNLINK', unpack(KEYS, 14, 16))
local bytes = tonumber(call('HGET', KEYS[17], ARGV[2]) or 0)
call('HDEL', KEYS[17], ARGV[2])
if bytes > 0 and call('HINCRBY', KEYS[17], '', -bytes) <= 0 then call('HDEL', KEYS[17], '') end
call('ZREM', KEYS[18], ARGV[2])
if held then release(META, held, held) end
return call('UNLINK', unpack(KEYS, 1, 12)) > 0 and 1 or 0
