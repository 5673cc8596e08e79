-- reap.lua: make the deliveries of lapsed leases due again, as their next attempt.
-- KEYS    1 flow   2 fly   3 pay   4 ref   5 rp   6 subh   7 alog   and by name: due r
-- ARGV    1 now   2 prefix   3 limit, at most 500
-- RETURNS how many leases had lapsed
-- COST    k log n for k leases
local lapsed, ended = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[3]), {}
for _, member in ipairs(lapsed) do
    local subscription, position, attempt = string.match(member, '^(.-)|(%d+):(%d+)$')
    call('ZREM', KEYS[2], member)
    local out, window = flow_of(call('HGET', KEYS[1], subscription))
    call('HSET', KEYS[1], subscription, (out - 1) .. ' ' .. window)
    local header = call('HGET', KEYS[6], subscription)
    if is_alive(header) then
        local project = project_of(string.sub(header, 24))
        local entry = struct.pack('>I6I8I2I2B', now, position, attempt, LAPSED, 0) .. string.rep('\0', 15)
        call('HSET', KEYS[7], subscription, logged(call('HGET', KEYS[7], subscription), 0, 1, entry))
        call('ZADD', due_key(subscription), now, position .. ':' .. (tonumber(attempt) + 1))
        call('ZADD', ready_key(project), now, subscription)
        call('ZADD', KEYS[5], 'LT', now, project)
    else
        ended[position] = (ended[position] or 0) + 1
    end
end
let_go(KEYS[3], KEYS[4], ended)
return #lapsed
