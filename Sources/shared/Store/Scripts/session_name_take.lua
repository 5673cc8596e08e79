-- session_name_take.lua: write down which session has the name of a subscription; it has it alone from now on.
-- KEYS    1 session-name
-- ARGV    1 now   2 session   3 ms it is kept unless it is held
-- RETURNS the session that had it, '' when none had
-- COST    1
local before = call('GET', KEYS[1])
call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return before or ''
