-- queue_survey.lua: what a queue holds, in a few numbers; it writes nothing.
-- KEYS    1-12 of the queue   13 subscription-order   14 events   15 dead-letters
-- ARGV    1 now
-- RETURNS {} without the queue, or {now, messages, claimed ones, when the oldest came, ms, or -1 where none lives or those in front
--         have expired, bytes of them, subscriptions, posts that are not fanned out, dead letters}
-- COST    log n; at most 11 messages looked at
if call('EXISTS', META) == 0 then return {} end
local alive, oldest = '(' .. text(now), -1
local total, claimed = call('ZCOUNT', EXP, alive, '+inf'), call('ZCOUNT', HELD, alive, '+inf')
for _, count in ipairs({ 1, 10 }) do
    if total == 0 or oldest >= 0 then break end
    for _, entry in ipairs(call('XRANGE', LOG, '-', '+', 'COUNT', count)) do
        local position = string.sub(entry[1], 1, -3)
        local expires = call('ZSCORE', EXP, position)
        if oldest < 0 and expires and tonumber(expires) > now then oldest = math.floor(tonumber(position) / 2048) end
    end
end
return { now, total, claimed, oldest, tonumber(call('HGET', META, 'bytes') or 0), call('ZCARD', KEYS[13]),
    call('LLEN', KEYS[14]), call('ZCARD', KEYS[15]) }
