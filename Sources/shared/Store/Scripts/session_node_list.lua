-- session_node_list.lua: take nodes that are silent for ended, and name them: their score is 0 from then on.
-- KEYS    1 session-nodes
-- ARGV    1 now   2 limit
-- RETURNS {node ...}, also those that were taken for ended before and are still there
-- COST    log n + k log n for n nodes
may_free(KEYS[1])
local nodes = call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, node in ipairs(nodes) do call('ZADD', KEYS[1], 0, node) end
return nodes
