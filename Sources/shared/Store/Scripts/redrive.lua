-- redrive.lua: make dead letters deliveries again, each from its first attempt and with a new life of its message.
-- KEYS    1 letters   2 records   3 pay   4 ref   5 subh   6 rp   7 bell   and by name: due r dead
-- ARGV    1 now   2 prefix   3 queue   4 shard   5 1: only confirmed subscriptions   6 when the first is due, ms
--         7 ms from one to the next   then letters, at most 100
-- RETURNS {when one more would be due}, then per letter 'owed', or why it stays: 'unknown' there is none, 'gone' its
--         subscription has ended, 'unconfirmed', 'document' it was no message
-- COST    k log n for k letters
local queue, project = ARGV[3], project_of(ARGV[3])
local due, step = math.max(tonumber(ARGV[6]), now), tonumber(ARGV[7])
local answer, first = { 0 }, nil

-- The record with a life that ends then, whenever it was posted.
local function renewed(record)
    local ttl, flags, from = struct.unpack('>I4', record), string.byte(record, 5), 14
    if flags >= 128 then from = 22 else flags = flags + 128 end
    return string.sub(record, 1, 4) .. string.char(flags) .. string.sub(record, 6, 13)
        .. struct.pack('>I8', now + ttl * 1000) .. string.sub(record, from)
end

local function owe(subscription, position, member, is_ordered_one)
    local record = call('HGET', KEYS[2], member)
    -- The message lives on for everybody who still waits for it.
    if call('HSET', KEYS[3], position, renewed(record)) == 0 then
        call('HSET', KEYS[4], position, (tonumber(call('HGET', KEYS[4], position)) or 1) + 1)
    end
    call('ZADD', due_key(subscription), is_ordered_one and 0 or math.floor(due), position .. ':1')
    call('ZADD', ready_key(project), 'LT', math.floor(due), subscription)
    first = first or math.floor(due)
    due = due + step
end

for index = 8, #ARGV do
    local member, outcome = ARGV[index], 'owed'
    local letter = call('HGET', KEYS[1], member)
    local subscription, position = string.match(member, '^(.-)|(%d+)$')
    local header = call('HGET', KEYS[5], subscription)
    if not letter then
        outcome = 'unknown'
    elseif string.match(letter, '^%d+ (%d+)') ~= '0' then
        outcome = 'document'
    elseif not is_alive(header) or queue_of(header) ~= queue then
        outcome = 'gone'
    elseif ARGV[5] == '1' and string.sub(header, 16, 16) ~= '1' then
        outcome = 'unconfirmed'
    else
        owe(subscription, position, member, string.byte(header, 17) == 49)
        forget(queue, { member })
    end
    answer[#answer + 1] = outcome
end
if first then
    call('ZADD', KEYS[6], 'LT', first, project)
    if first <= now then call('ZADD', KEYS[7], 0, ARGV[4]) end
end
answer[1] = math.floor(due)
return answer
