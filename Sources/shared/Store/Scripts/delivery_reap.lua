-- delivery_reap.lua: make the deliveries of lapsed leases due again, as their next attempt. Each is a suspect from then on: it may
-- be what took its worker down. Its level rises with each lapse of an attempt that had begun; one that lapsed so at the
-- last level, where it was attempted alone, becomes a dead letter. The attempt of a suspect that had not begun was none: it
-- is due again under the same number, behind a fence, and the log says nothing of it.
-- KEYS    1 pacing   2 leases   3 payloads   4 payload-references   5 ready-projects   6 subscription-headers
--         7 attempt-counts   8 begun-attempts   9 turns   10 payload-expiries   11 waiting-counts   12 delivery-sweeps
--         and by name: due ready-subscriptions attempt-log dead-letters dead-letter-entries dead-letter-records
--         dead-letter-bytes dead-letter-oldest held-subscriptions
-- ARGV    1 now   2 prefix   3 limits   4 leases, at most 500
-- RETURNS {how many leases had lapsed, how many of them were quarantined, dead letters dropped, how many became dead letters since
--         their subscription has ended}
-- COST    k log n for k leases
local LEVEL_MAX = 3
local lapsed, quarantined, kept, ended = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[4]), 0, 0, {}
if #lapsed == 0 then return { 0, 0, 0, 0 } end

local parts, subscriptions, suspects = {}, {}, {}
for index, member in ipairs(lapsed) do
    local subscription, position, attempt, level = string.match(member, '^(.-)|(%d+):(%d+):?(%d*)$')
    parts[index] = { subscription, position, tonumber(attempt), tonumber(level) or 0 }
    subscriptions[index] = subscription
    if level ~= '' then suspects[#suspects + 1] = member end
end
local headers, begun = call('HMGET', KEYS[6], unpack(subscriptions)), {}
if #suspects > 0 then
    for index, is_begun in ipairs(call('SMISMEMBER', KEYS[8], unpack(suspects))) do
        begun[suspects[index]] = is_begun == 1
    end
end
local records, waiting, expiring = {}, {}, {}
for index, header in ipairs(headers) do
    if is_alive(header) and begun[lapsed[index]] and parts[index][4] >= LEVEL_MAX then
        records[index] = call('HGET', KEYS[3], parts[index][2]) or ''
    end
end
local keeps_bodies = next(records) and not is_full(KEYS[5])

call('ZREM', KEYS[2], unpack(lapsed))
if #suspects > 0 then call('SREM', KEYS[8], unpack(suspects)) end
for index, member in ipairs(lapsed) do
    local subscription, position, attempt, level = unpack(parts[index])
    local header = headers[index]
    local alive = is_alive(header)
    local out, window, more = flow_of(call('HGET', KEYS[1], subscription))
    local value = flow_text(out - 1, window, more)
    if value then call('HSET', KEYS[1], subscription, value) else call('HDEL', KEYS[1], subscription) end
    -- Whether the attempt of one without suspicion had begun is unknown.
    local may_have_begun = level == 0 or begun[member]
    if alive and may_have_begun then
        local entry = struct.pack(LOG_ENTRY, now, position, math.min(attempt % FENCE, 65535), LAPSED, 0)
            .. string.rep('\0', 15)
        local counts = write_log(subscription, call('HGET', KEYS[7], subscription), 0, 1, entry)
        call('HSET', KEYS[7], subscription, counts)
    end
    local is_poison = begun[member] and level >= LEVEL_MAX
    if alive and not is_poison then
        local turn = text(may_have_begun and attempt + 1 or fenced(attempt, attempt % FENCE)) .. ':'
            .. (may_have_begun and level + 1 or level)
        call('ZADD', due_key(subscription), is_ordered(header) and 0 or now, position .. ':' .. turn)
        call('HSET', KEYS[9], subscription .. '|' .. position, turn)
        if hold_of(value) then count_held(subscription, hold_of(value)) end
        local project = project_of(queue_of(header))
        waiting[project] = (waiting[project] or 0) + 1
        expiring[#expiring + 1] = now + EXPIRY_LOOK
        expiring[#expiring + 1] = subscription
    else
        if alive then
            quarantined = quarantined + 1
            local record = records[index]
            local kind = kind_of(record)
            dead_letters().keep(subscription, queue_of(header), position, text(attempt), kind, 'quarantined',
                'lapsed alone, as a suspect of level ' .. level, keeps_bodies and record ~= '' and record or nil)
        elseif dead_letters().keep_ended(subscription, header, position, text(attempt), call('HGET', KEYS[3], position)) then
            kept = kept + 1
        end
        call('HDEL', KEYS[9], subscription .. '|' .. position)
        ended[position] = (ended[position] or 0) + 1
    end
    if alive and call('EXISTS', due_key(subscription)) == 1 then
        local project = project_of(queue_of(header))
        call('ZADD', ready_key(project), now, subscription)
        call('ZADD', KEYS[5], 'LT', now, project)
    end
end
for project, count in pairs(waiting) do count_waiting(KEYS[11], project, count) end
if #expiring > 0 then call('ZADD', KEYS[12], 'LT', unpack(expiring)) end
end_deliveries(KEYS[3], KEYS[4], KEYS[10], ended)
return { #lapsed, quarantined, quarantined + kept > 0 and dead_letters().trim() or 0, kept }
