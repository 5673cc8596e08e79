-- session_node_end.lua: forget a node that has no subscriptions any more.
-- KEYS    1 session-nodes   2 session-subscriptions of the node   3 session-inbox of the node   4 session-inbox-bytes
-- ARGV    1 now   2 node   3 1: also while it lives, for it ends itself
-- RETURNS 1, or 0: it has subscriptions, or lives again
-- COST    log n for n nodes
if call('SCARD', KEYS[2]) > 0 then return 0 end
local ends = call('ZSCORE', KEYS[1], ARGV[2])
if ends and tonumber(ends) > now and ARGV[3] ~= '1' then return 0 end
call('DEL', KEYS[3])
call('HDEL', KEYS[4], ARGV[2])
call('ZREM', KEYS[1], ARGV[2])
return 1
