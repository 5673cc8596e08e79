-- session_node_read.lua: some of what the sessions of an ended node have subscribed; nothing once the node lives again.
-- KEYS    1 session-nodes   2 session-subscriptions of the node
-- ARGV    1 now   2 node   3 limit
-- RETURNS {subscription and queue ...}
-- COST    k
local ends = call('ZSCORE', KEYS[1], ARGV[2])
if not ends or tonumber(ends) > 0 then return {} end
return call('SRANDMEMBER', KEYS[2], ARGV[3])
