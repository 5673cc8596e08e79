-- redrive.lua: make dead letters deliveries again, each from its first attempt and with a new life of its message.
-- KEYS    1 letters   2 records   3 pay   4 ref   5 subh   6 rp   7 bell   8 waiting   9 expiring   10 lives
--         and by name: due r dead dead-bytes dead-oldest
-- ARGV    1 now   2 prefix   3 queue   4 shard   5 1: only confirmed subscriptions   6 when the first is due, ms
--         7 ms from one to the next   then letters, at most 100
-- RETURNS {when one more would be due}, then per letter 'owed', or why it stays: 'unknown' there is none, 'gone' its
--         subscription has ended, 'unconfirmed', 'document' it was no message, 'empty' its body was not kept
-- COST    k log n for k letters
local queue, project = ARGV[3], project_of(ARGV[3])
local due, step = math.max(tonumber(ARGV[6]), now), tonumber(ARGV[7])
local answer, first, owed = { 0 }, nil, 0

-- The record with a life that ends then, whenever it was posted.
local function renewed(record)
    local ttl, flags, from = struct.unpack('>I4', record), string.byte(record, 5), 14
    if flags >= 128 then from = 22 else flags = flags + 128 end
    return string.sub(record, 1, 4) .. string.char(flags) .. string.sub(record, 6, 13)
        .. struct.pack('>I8', now + ttl * 1000) .. string.sub(record, from)
end

local function owe(subscription, position, member, is_ordered_one)
    local record = call('HGET', KEYS[2], position)
    local life = now + struct.unpack('>I4', record) * 1000
    -- The message lives on for everybody who still waits for it.
    if call('HSET', KEYS[3], position, renewed(record)) == 0 then
        call('HSET', KEYS[4], position, (tonumber(call('HGET', KEYS[4], position)) or 1) + 1)
    end
    call('ZADD', KEYS[10], life, position)
    call('ZADD', KEYS[9], 'LT', life, subscription)
    owed = owed + call('ZADD', due_key(subscription), is_ordered_one and 0 or math.floor(due), position .. ':1')
    call('ZADD', ready_key(project), 'LT', math.floor(due), subscription)
    first = first or math.floor(due)
    due = due + step
end

-- It only adds: at the memory limit its first write, of a payload, is refused.
local keys = { ready_key(project) }
for index = 8, #ARGV do keys[#keys + 1] = due_key(string.match(ARGV[index], '^[^|]*')) end
dead_letters().keys(keys, queue)
touch(keys)
for index = 8, #ARGV do
    local member, outcome = ARGV[index], 'owed'
    local letter = call('HGET', KEYS[1], member)
    local subscription, position = string.match(member, '^(.-)|(%d+)$')
    local header = call('HGET', KEYS[5], subscription)
    if not letter then
        outcome = 'unknown'
    elseif tonumber(string.match(letter, '^%d+ (%d+)')) % NO_BODY ~= 0 then
        outcome = 'document'
    elseif tonumber(string.match(letter, '^%d+ (%d+)')) >= NO_BODY then
        outcome = 'empty'
    elseif not is_alive(header) or queue_of(header) ~= queue then
        outcome = 'gone'
    elseif ARGV[5] == '1' and string.sub(header, 16, 16) ~= '1' then
        outcome = 'unconfirmed'
    else
        owe(subscription, position, member, string.byte(header, 17) == 49)
        dead_letters().forget(queue, { member })
    end
    answer[#answer + 1] = outcome
end
if first then
    dead_letters().account(queue)
    count_waiting(KEYS[8], project, owed)
    call('ZADD', KEYS[6], 'LT', first, project)
    if first <= now then call('ZADD', KEYS[7], 0, ARGV[4]) end
end
answer[1] = math.floor(due)
return answer
