-- dead_letter_redrive.lua: make dead letters deliveries again, each from its first attempt and with a new life of its message. The turn
-- of each is behind a fence that no lease of it had before: what is said late of an earlier attempt does not touch it.
-- KEYS    1 dead-letter-entries   2 dead-letter-records   3 payloads   4 payload-references   5 subscription-headers
--         6 ready-projects   7 wakeup   8 waiting-counts   9 delivery-sweeps   10 payload-expiries   11 turns
--         12 subscriptions   and by name: due ready-subscriptions dead-letters dead-letter-entries dead-letter-records dead-letter-bytes
--         dead-letter-oldest held-subscriptions
-- ARGV    1 now   2 prefix   3 queue   4 shard   5 which only when confirmed: 'none' 'mail' 'other' 'all'   6 when the first is due, ms
--         7 ms from one to the next   then dead letters, at most 100
-- RETURNS {when one more would be due}, then per dead letter 'enqueued', or why it stays: 'unknown' there is none, 'subscription_ended',
--         'unconfirmed', 'not_a_message' it was none, 'no_body' its body was not kept,
--         'busy' another message waits at its position, which came with its queue from another store
-- COST    k log n for k dead letters
local queue, project = ARGV[3], project_of(ARGV[3])
local due, step = math.max(tonumber(ARGV[6]), now), tonumber(ARGV[7])

-- The record with a life that ends then, whenever it was posted.
local function renewed(record)
    local ttl, flags = struct.unpack(RECORD_HEAD, record)
    local from = RECORD_REST_FROM
    if flags >= IS_RENEWED then from = from + RECORD_RENEWAL_BYTES else flags = flags + IS_RENEWED end
    return struct.pack(RECORD_HEAD, ttl, flags) .. string.sub(record, RECORD_MARK_FROM, RECORD_MARK_TO)
        .. struct.pack(RECORD_RENEWAL, now + ttl * 1000) .. string.sub(record, from)
end

-- A record as it was posted, whether it was renewed or not.
local function original(record)
    local ttl, flags = struct.unpack(RECORD_HEAD, record)
    local from = flags >= IS_RENEWED and RECORD_REST_FROM + RECORD_RENEWAL_BYTES or RECORD_REST_FROM
    return struct.pack(RECORD_HEAD, ttl, flags % IS_RENEWED) .. string.sub(record, RECORD_MARK_FROM, RECORD_MARK_TO)
        .. string.sub(record, from)
end

local function is_taken(position, record)
    local kept = call('HGET', KEYS[3], position)
    return kept and original(kept) ~= original(record)
end

-- Whether a subscription is notified only once its subscriber has confirmed.
local function must_confirm(subscription)
    if ARGV[5] == 'all' or ARGV[5] == 'none' then return ARGV[5] == 'all' end
    local record = call('HGET', KEYS[12], subscription)
    return (ARGV[5] == 'mail') == (record and is_mail(address_of(record)))
end

-- Everything is read first: nothing can fail once it writes.
local members, subscriptions, positions = {}, {}, {}
for index = 8, #ARGV do
    local number = index - 7
    members[number] = ARGV[index]
    subscriptions[number], positions[number] = string.match(ARGV[index], '^(.-)|(%d+)$')
end
if #members == 0 then return { math.floor(due) } end
local entries, headers = call('HMGET', KEYS[1], unpack(members)), call('HMGET', KEYS[5], unpack(subscriptions))
local answer, redriven, seen, records = { 0 }, {}, {}, {}
for number, member in ipairs(members) do
    local outcome, entry, header, position = 'enqueued', entries[number], headers[number], positions[number]
    if entry and records[position] == nil then records[position] = call('HGET', KEYS[2], position) end
    if not entry or seen[member] then
        outcome = 'unknown'
    elseif tonumber(string.match(entry, '^%d+ (%d+)')) % NO_BODY ~= 0 then
        outcome = 'not_a_message'
    elseif tonumber(string.match(entry, '^%d+ (%d+)')) >= NO_BODY or not records[position] then
        outcome = 'no_body'
    elseif not is_alive(header) or queue_of(header) ~= queue then
        outcome = 'subscription_ended'
    elseif not is_confirmed(header) and must_confirm(subscriptions[number]) then
        outcome = 'unconfirmed'
    elseif is_taken(position, records[position]) then
        outcome = 'busy'
    else
        seen[member] = true
        redriven[#redriven + 1] = number
    end
    answer[#answer + 1] = outcome
end
answer[1] = math.floor(due + #redriven * step)
if #redriven == 0 then return answer end

-- It only adds: at the memory limit its first write, of a payload, is refused.
local first, waiting, sent, touched = math.floor(due), 0, {}, {}
for _, number in ipairs(redriven) do
    local subscription, position, record = subscriptions[number], positions[number], records[positions[number]]
    local life, at = now + struct.unpack(RECORD_HEAD, record) * 1000, math.floor(due)
    -- The message lives on for every delivery of it that waits.
    if call('HSET', KEYS[3], position, renewed(record)) == 0 and call('HINCRBY', KEYS[4], position, 1) == 1 then
        call('HSET', KEYS[4], position, 2)
    end
    call('ZADD', KEYS[10], life, position)
    call('ZADD', KEYS[9], 'LT', life, subscription)
    local turn = text(fenced(tonumber(string.match(entries[number], '^%d+')), 1))
    call('HSET', KEYS[11], subscription .. '|' .. position, turn)
    waiting = waiting + call('ZADD', due_key(subscription), is_ordered(headers[number]) and 0 or at,
        position .. ':' .. turn)
    call('ZADD', ready_key(project), 'LT', at, subscription)
    sent[#sent + 1], touched[subscription] = members[number], true
    due = due + step
end
for subscription in pairs(touched) do count_held(subscription, true) end
dead_letters().forget(queue, sent)
dead_letters().account(queue)
count_waiting(KEYS[8], project, waiting)
call('ZADD', KEYS[6], 'LT', first, project)
if first <= now then call('ZADD', KEYS[7], 0, ARGV[4]) end
return answer
