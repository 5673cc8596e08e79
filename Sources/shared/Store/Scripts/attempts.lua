-- attempts.lua: read the log of a living subscription's attempts.
-- KEYS    1 subh   2 alog
-- ARGV    1 now   2 id   3 queue
-- RETURNS {log or ''}, or {} when the queue has none of this id
-- COST    1
local header = call('HGET', KEYS[1], ARGV[2])
if not header or tonumber(string.sub(header, 1, 15)) <= now or queue_of(header) ~= ARGV[3] then return {} end
return { call('HGET', KEYS[2], ARGV[2]) or '' }
