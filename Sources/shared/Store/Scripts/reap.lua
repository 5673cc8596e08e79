-- reap.lua: make the deliveries of lapsed leases due again, as their next attempt. Each is a suspect from then on: it may
-- be what took its worker down. Its level rises with each lapse of an attempt that had begun; one that lapsed so at the
-- last level, where it was attempted alone, becomes a dead letter.
-- KEYS    1 flow   2 fly   3 pay   4 ref   5 rp   6 subh   7 alog   8 begun   9 turns   and by name: due r dead log
-- ARGV    1 now   2 prefix   3 limit, at most 500
-- RETURNS {how many leases had lapsed, how many of them were quarantined}
-- COST    k log n for k leases
local LEVEL_MAX = 3
local lapsed, quarantined, ended = call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[3]), 0, {}
if #lapsed == 0 then return { 0, 0 } end

local parts, subscriptions, suspects = {}, {}, {}
for index, member in ipairs(lapsed) do
    local subscription, position, attempt, level = string.match(member, '^(.-)|(%d+):(%d+):?(%d*)$')
    parts[index] = { subscription, position, tonumber(attempt), tonumber(level) or 0 }
    subscriptions[index] = subscription
    if level ~= '' then suspects[#suspects + 1] = member end
end
local headers, begun = {}, {}
for first = 1, #subscriptions, 500 do
    for index, header in ipairs(call('HMGET', KEYS[6], unpack(subscriptions, first, math.min(first + 499, #subscriptions)))) do
        headers[first + index - 1] = header
    end
end
if #suspects > 0 then
    for index, is_begun in ipairs(call('SMISMEMBER', KEYS[8], unpack(suspects))) do
        begun[suspects[index]] = is_begun == 1
    end
end
local keys = {}
for index, subscription in ipairs(subscriptions) do
    if is_alive(headers[index]) then
        local queue = queue_of(headers[index])
        for _, key in ipairs({ due_key(subscription), log_key(subscription), ready_key(project_of(queue)) }) do
            keys[#keys + 1] = key
        end
        if begun[lapsed[index]] and parts[index][4] >= LEVEL_MAX then
            for _, key in ipairs({ dead_key(queue), letter_key(queue), record_key(queue) }) do keys[#keys + 1] = key end
        end
    end
end
touch(keys)

call('ZREM', KEYS[2], unpack(lapsed))
if #suspects > 0 then call('SREM', KEYS[8], unpack(suspects)) end
for index, member in ipairs(lapsed) do
    local subscription, position, attempt, level = unpack(parts[index])
    local header = headers[index]
    local alive = is_alive(header)
    local out, window, more = flow_of(call('HGET', KEYS[1], subscription))
    local value = flow_text(out - 1, window, more)
    if value then call('HSET', KEYS[1], subscription, value) else call('HDEL', KEYS[1], subscription) end
    if alive then
        local entry = struct.pack('>I6I8I2I2B', now, position, math.min(attempt, 65535), LAPSED, 0)
            .. string.rep('\0', 15)
        local counts = write_log(subscription, call('HGET', KEYS[7], subscription), 0, 1, entry)
        call('HSET', KEYS[7], subscription, counts)
    end
    local is_poison = begun[member] and level >= LEVEL_MAX
    if alive and not is_poison then
        -- Nobody knows whether the attempt of one without suspicion had begun.
        if level == 0 or begun[member] then level = level + 1 end
        local turn = (attempt + 1) .. ':' .. level
        call('ZADD', due_key(subscription), is_ordered(header) and 0 or now, position .. ':' .. turn)
        call('HSET', KEYS[9], subscription .. '|' .. position, turn)
    else
        if alive then
            quarantined = quarantined + 1
            bury(KEYS[3], subscription, queue_of(header), position, attempt, 'quarantined',
                'lapsed alone, as a suspect of level ' .. level)
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
let_go(KEYS[3], KEYS[4], ended)
return { #lapsed, quarantined }
