-- session_node_beat.lua: say that an API node with sessions lives.
-- KEYS    1 session-nodes
-- ARGV    1 now   2 node   3 ms until it counts as silent
-- RETURNS 1: it was known; 0: it is new, or others have begun to end what its sessions subscribed
-- COST    log n for n nodes
may_free(KEYS[1])
local ends = call('ZSCORE', KEYS[1], ARGV[2])
call('ZADD', KEYS[1], text(now + tonumber(ARGV[3])), ARGV[2])
return ends and tonumber(ends) > 0 and 1 or 0
