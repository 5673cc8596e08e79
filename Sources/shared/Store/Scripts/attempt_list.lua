-- attempt_list.lua: read the log of a living subscription's attempts.
-- KEYS    1 subscription-headers   2 attempt-counts   3 subscription-order   and by name: attempt-log
-- ARGV    1 now   2 prefix   3 id   4 queue
-- RETURNS {counts or '', ring or ''}, or {} when the queue has none of this id
-- COST    1
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[1], ARGV[3])
if not is_alive(header) or queue_of(header) ~= ARGV[4] then return {} end
return { call('HGET', KEYS[2], ARGV[3]) or '', call('GET', log_key(ARGV[3])) or '' }
