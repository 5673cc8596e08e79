-- session_node_end.lua: remove a node that has ended, once it has no subscriptions any more.
-- KEYS    1 session-nodes   2 session-subscriptions of the node   3 session-inbox of the node   4 session-inbox-bytes
-- ARGV    1 now   2 node   3 1: the node ends itself
-- RETURNS 1, or 0: it has subscriptions, which others end, or it lives again
-- COST    log n for n nodes
may_free(KEYS[1])
if ARGV[3] == '1' then call('ZADD', KEYS[1], 0, ARGV[2]) end
local ends = call('ZSCORE', KEYS[1], ARGV[2])
if (ends and tonumber(ends) > 0) or call('SCARD', KEYS[2]) > 0 then return 0 end
call('DEL', KEYS[3])
call('HDEL', KEYS[4], ARGV[2])
call('ZREM', KEYS[1], ARGV[2])
return 1
