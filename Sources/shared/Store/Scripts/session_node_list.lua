-- session_node_list.lua: name nodes that have ended, whose subscriptions are still there or were not looked for yet.
-- KEYS    1 session-nodes
-- ARGV    1 now   2 limit
-- RETURNS {node ...}, those that ended first
-- COST    log n + k for n nodes
return call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
