-- drop.lua: end a queue with all its messages and claims. Its subscriptions, and notifications already on their way,
-- live on.
-- KEYS    1-12 of the queue   13 sweep
-- ARGV    1 now   2 queue
-- RETURNS 1 it existed, 0 it did not
-- COST    1; Redis frees the messages in the background
call('ZREM', KEYS[13], ARGV[2])
return call('UNLINK', unpack(KEYS, 1, 12)) > 0 and 1 or 0
