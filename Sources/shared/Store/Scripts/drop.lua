-- drop.lua: end a queue with all its messages. Its subscriptions, and notifications already on their way, live on.
-- KEYS    1 meta   2 log   3 exp   4 sweep
-- ARGV    1 now   2 queue
-- RETURNS 1 it existed, 0 it did not
-- COST    1; Redis frees the messages in the background
call('ZREM', KEYS[4], ARGV[2])
return call('UNLINK', KEYS[1], KEYS[2], KEYS[3]) > 0 and 1 or 0
