-- lib_health.lua: what can be said of how a living subscription is served; it stands behind lib_pacing.lua.
-- KEYS    none of its own
-- ARGV    1 now   2 prefix of the shard's keys
-- RETURNS nothing: it defines `health_of`
-- COST    log n of what waits for the subscription
--
-- {now, header, counts or '', ring or '', deliveries that wait, attempts out, window, or -1 where the pacing cannot be read, first
-- member that waits or '', its score, then, -1 for none: paused since, disabled since, waits until, failures in a row, since,
-- breaker open until, and how many ended with their messages while they waited}
local function health_of(subscription, header, pacing, counts, expired)
    local out, window, more = flow_of(pacing)
    local first = call('ZRANGE', due_key(subscription), 0, 0, 'WITHSCORES')
    local health = { now, header, counts or '', call('GET', log_key(subscription)) or '',
        call('ZCARD', due_key(subscription)), out, more and more.unread and -1 or window, first[1] or '',
        tonumber(first[2] or -1) }
    for _, name in ipairs({ 'p', 'x', 'w', 'f', 's', 'b' }) do health[#health + 1] = more and more[name] or -1 end
    health[#health + 1] = tonumber(expired or 0)
    return health
end
