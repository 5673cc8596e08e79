-- session_node_check.lua: say which API nodes live.
-- KEYS    1 session-nodes
-- ARGV    1 now   then nodes
-- RETURNS per node 1: it lives; 0: it is silent, or has ended
-- COST    1 each
local answer = {}
for index = 2, #ARGV do
    local ends = call('ZSCORE', KEYS[1], ARGV[index])
    answer[#answer + 1] = ends and tonumber(ends) > now and 1 or 0
end
return answer
