-- delivery_enqueue.lua: enqueue a delivery of a document that no client posted, which is like any other: the question whether it wants to
-- be notified, its way back, a test.
-- KEYS    1 subscription-headers   2 last-position   3 payloads   4 ready-projects   5 wakeup   6 waiting-confirmations
--         7 subscriptions   8 waiting-counts   9 delivery-sweeps   10 subscription-order   and by name:
--         due ready-subscriptions held-subscriptions
-- ARGV    1 now   2 prefix   3 limits   4 id   5 queue   6 shard   7 ttl of the document, s   8 flags of the record
--         9 document   and of a question, each '' for another document: 10 address   11 when it may be sent, ms
--         12 expiry of its link, s
-- RETURNS {'enqueued', position}; {'held'}: the same question to that address waits already; {'barred', s}: a link has to
--         expire later than that; {'full'}: too many deliveries of the subscription or of its project wait; {'absent'}: the
--         queue has no living subscription of this id, or it has another address
-- COST    log n for n questions that wait
call('ZCARD', KEYS[10]) -- Fails where its queue is closed, see queue_close.lua.
local header = call('HGET', KEYS[1], ARGV[4])
if not is_alive(header) or queue_of(header) ~= ARGV[5] then return { 'absent' } end

local project = project_of(ARGV[5])
local at, is_at_bound = now, call('ZCARD', due_key(ARGV[4])) >= limit('waiting')
    or tonumber(call('HGET', KEYS[8], project) or 0) >= limit('project_waiting')
if ARGV[10] ~= '' then
    local record = call('HGET', KEYS[7], ARGV[4])
    if not record or address_of(record) ~= ARGV[10] then return { 'absent' } end
    local ttl, secret, before, latest, barred = life_of(record)
    local expiry = tonumber(ARGV[12])
    if expiry <= barred then return { 'barred', barred } end
    -- What was asked before the address changed away and back has a link that counts no more: it is another question.
    local question = ARGV[8] .. '|' .. ARGV[4] .. '|' .. text(barred) .. '|' .. ARGV[10]
    local waiting = tonumber(call('ZSCORE', KEYS[6], question))
    if waiting and waiting > now then return { 'held' } end
    if is_at_bound then return { 'full' } end
    at = math.max(now, tonumber(ARGV[11]))
    -- It only adds: at the memory limit this first write is refused.
    call('ZADD', KEYS[4], 'XX', 0, '')
    local sent = call('ZRANGEBYSCORE', KEYS[6], '-inf', now, 'LIMIT', 0, 100)
    if #sent > 0 then call('ZREM', KEYS[6], unpack(sent)) end
    if at > now then call('ZADD', KEYS[6], at, question) end
    if expiry > latest then
        call('HSET', KEYS[7], ARGV[4], with_life(record, ttl, secret, before, expiry, barred))
    end
end
if is_at_bound then return { 'full' } end

-- The record of a message that no client posted; the delivery counts as one, so `payload-references` has nothing to say.
local position = next_position(KEYS[2])
call('SET', KEYS[2], position)
local stated, times = times_of(position, tonumber(ARGV[7]))
local head = struct.pack(RECORD_HEAD, ARGV[7], ARGV[8] + stated) .. string.rep('\0', 8) .. times
call('HSET', KEYS[3], position, head .. ARGV[9])
-- Of an ordered one the position alone is the order; what is held back waits for its time there, too.
call('ZADD', due_key(ARGV[4]), is_ordered(header) and at == now and 0 or at, text(position) .. ':1')
count_held(ARGV[4], true)
count_waiting(KEYS[8], project, 1)
call('ZADD', KEYS[9], 'LT', now + ARGV[7] * 1000, ARGV[4])
call('ZADD', ready_key(project), 'LT', at, ARGV[4])
call('ZADD', KEYS[4], 'LT', at, project)
call('ZADD', KEYS[5], 0, ARGV[6])
return { 'enqueued', position }
