-- session_name_release.lua: give up names of subscriptions, unless another session has them by now.
-- KEYS    session-name of each
-- ARGV    1 now   then the session of each
-- RETURNS how many were given up
-- COST    2 each
local count = 0
for index = 2, #ARGV do
    local key = KEYS[index - 1]
    if call('GET', key) == ARGV[index] then count = count + call('DEL', key) end
end
return count
