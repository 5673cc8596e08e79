-- subscription_health_get.lua: what can be said of how a living subscription is served.
-- KEYS    1 subscription-headers   2 pacing   3 attempt-counts   4 expired-counts   and by name: due attempt-log
-- ARGV    1 now   2 prefix   3 id   4 queue
-- RETURNS {} when the queue has none of this id, or {now, header, counts or '', ring or '', deliveries that wait, attempts
--         out, window, or -1 where the pacing cannot be read, first member that waits or '', its score, then, -1 for none: paused since, disabled since, waits until,
--         failures in a row, since, breaker open until, and how many ended with their messages while they waited}
-- COST    log n
local header = call('HGET', KEYS[1], ARGV[3])
if not is_alive(header) or queue_of(header) ~= ARGV[4] then return {} end
local out, window, more = flow_of(call('HGET', KEYS[2], ARGV[3]))
local first = call('ZRANGE', due_key(ARGV[3]), 0, 0, 'WITHSCORES')
local answer = { now, header, call('HGET', KEYS[3], ARGV[3]) or '', call('GET', log_key(ARGV[3])) or '',
    call('ZCARD', due_key(ARGV[3])), out, more and more.unread and -1 or window, first[1] or '', tonumber(first[2] or -1) }
for _, name in ipairs({ 'p', 'x', 'w', 'f', 's', 'b' }) do answer[#answer + 1] = more and more[name] or -1 end
answer[#answer + 1] = tonumber(call('HGET', KEYS[4], ARGV[3]) or 0)
return answer
