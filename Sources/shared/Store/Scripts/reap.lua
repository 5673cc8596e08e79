-- reap.lua: make the deliveries of lapsed leases due again, as their next attempt; one that lapsed three times may be what
-- took its workers down, and becomes a dead letter.
-- KEYS    1 flow   2 fly   3 pay   4 ref   5 rp   6 subh   7 alog   and by name: due r dead log
-- ARGV    1 now   2 prefix   3 limit, at most 500
-- RETURNS how many leases had lapsed
-- COST    k log n for k leases
local LAPSES_MAX = 3
local lapsed, ended = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[3]), {}
for _, member in ipairs(lapsed) do
    local subscription, position, attempt, lapses = string.match(member, '^(.-)|(%d+):(%d+):?(%d*)$')
    lapses = (tonumber(lapses) or 0) + 1
    call('ZREM', KEYS[2], member)
    local out, window, more = flow_of(call('HGET', KEYS[1], subscription))
    local header = call('HGET', KEYS[6], subscription)
    local alive = is_alive(header)
    local value = flow_text(out - 1, window, more)
    if value then call('HSET', KEYS[1], subscription, value) else call('HDEL', KEYS[1], subscription) end
    if alive then
        local entry = struct.pack('>I6I8I2I2B', now, position, attempt, LAPSED, 0) .. string.rep('\0', 15)
        local counts = write_log(subscription, call('HGET', KEYS[7], subscription), 0, 1, entry)
        call('HSET', KEYS[7], subscription, counts)
    end
    if alive and lapses < LAPSES_MAX then
        call('ZADD', due_key(subscription), is_ordered(header) and 0 or now,
            position .. ':' .. (tonumber(attempt) + 1) .. ':' .. lapses)
    else
        if alive then
            bury(KEYS[3], subscription, queue_of(header), position, attempt, 'quarantined',
                'lapsed ' .. lapses .. ' times')
        end
        ended[position] = (ended[position] or 0) + 1
    end
    if alive and call('EXISTS', due_key(subscription)) == 1 then
        local project = project_of(queue_of(header))
        call('ZADD', ready_key(project), now, subscription)
        call('ZADD', KEYS[5], 'LT', now, project)
    end
end
let_go(KEYS[3], KEYS[4], ended)
return #lapsed
