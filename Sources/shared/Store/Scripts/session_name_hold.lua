-- session_name_hold.lua: keep names of subscriptions for the sessions that have them.
-- KEYS    1 session-nodes   then session-name of each
-- ARGV    1 now   2 ms they are kept   then the session of each
-- RETURNS per name 1: the session has it; 2: it has it anew, for no session had it any more; 0: another one took it, which keeps it
-- COST    2 each
local answer = {}
-- At the memory limit, too: what has a name goes on with it.
may_free(KEYS[1])
for index = 3, #ARGV do
    local key = KEYS[index - 1]
    local holder = call('GET', key)
    local is_own = not holder or holder == ARGV[index]
    if is_own then call('SET', key, ARGV[index], 'PX', ARGV[2]) end
    answer[#answer + 1] = is_own and (holder and 1 or 2) or 0
end
return answer
