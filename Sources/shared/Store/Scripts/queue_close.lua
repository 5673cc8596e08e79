-- queue_close.lua: close a queue that moves to another pool. What carries its name gets other names, in the order of
-- `ShardKeys.named`, and under each of its own names lies a text: a script that reads or writes the queue fails at the first key of
-- it, before it has written anything, and its caller asks the directory of queues where the queue is.
-- KEYS    1-18 named for the queue   19-36 the same of a closed one   37 leases   38 subscription-headers   39 pacing
--         40 subscription-expiries   41 delivery-sweeps   42 queue-sweeps   43 fanout-pages   44 fanout-projects
--         45 fanout-queues of the project   46 ready-subscriptions of the project   47 last-position   48 moves
--         49 delivery-sweep-marks   50 ready-projects   51 dead-letter-oldest of the project
-- ARGV    1 now   2 prefix   3 queue   4 the text, of no other move
-- RETURNS {'closed', last position of the shard, its dead-letter queue or ''}, also when it was closed; {'attempts'}: some of its
--         subscriptions are under way; {'fanout'}: its oldest event is half fanned out; {'moves'}: messages of it are between two
--         queues; {'unread'}: a pacing cannot be read. Nothing was written in the last four.
-- COST    k log n for k subscriptions of the queue and k leases of the shard
local META, ORDER, EVENTS, queue = KEYS[1], KEYS[13], KEYS[15], ARGV[3]
-- Messages between two queues that are looked at; of more it waits until they have arrived.
local MOVES = 100
local NAMED, last = 18, call('GET', KEYS[47]) or '1'
if call('TYPE', META).ok == 'string' then return { 'closed', last, call('HGET', KEYS[1 + NAMED], 'dead-letter-queue') or '' } end

if call('HEXISTS', KEYS[43], queue) == 1 then return { 'fanout' } end
local leases = call('ZRANGE', KEYS[37], 0, -1)
for first = 1, #leases, 1000 do
    local subscriptions = {}
    for index = first, math.min(first + 999, #leases) do
        subscriptions[#subscriptions + 1] = string.match(leases[index], '^[^|]*')
    end
    for _, header in ipairs(call('HMGET', KEYS[38], unpack(subscriptions))) do
        if header and queue_of(header) == queue then return { 'attempts' } end
    end
end
local moves = call('XRANGE', KEYS[48], '-', '+', 'COUNT', MOVES)
for _, move in ipairs(moves) do
    if #moves == MOVES or move[2][2] == queue or move[2][6] == queue then return { 'moves' } end
end
local subscriptions, flow = call('ZRANGE', ORDER, 0, -1), {}
for first = 1, #subscriptions, 1000 do
    local last_one = math.min(first + 999, #subscriptions)
    for index, value in ipairs(call('HMGET', KEYS[39], unpack(subscriptions, first, last_one))) do
        local out, window, more = flow_of(value)
        if more and more.unread then return { 'unread' } end
        more = more or {}
        if not more.m then
            more.m = now
            flow[#flow + 1] = subscriptions[first + index - 1]
            flow[#flow + 1] = flow_text(out, window, more)
        end
    end
end

-- From here on it writes, and nothing can fail any more.
begin_at_limit(KEYS[37])
local meta = call('HMGET', META, 'waited-until', 'dead-letter-queue')
if is_waited(meta[1]) then signal(META, 0) end
in_chunks('HSET', KEYS[39], flow)
local looks = {}
for index, subscription in ipairs(subscriptions) do
    looks[2 * index - 1], looks[2 * index] = subscription, '>' .. subscription
end
in_chunks('ZREM', KEYS[40], subscriptions)
in_chunks('ZREM', KEYS[41], looks)
in_chunks('ZREM', KEYS[46], subscriptions)
in_chunks('HDEL', KEYS[49], subscriptions)
if call('EXISTS', KEYS[46]) == 0 then call('ZREM', KEYS[50], project_of(queue)) end
call('ZREM', KEYS[42], queue)
-- Else a dead letter of another queue would have those of this one dropped.
call('ZREM', KEYS[51], queue)
call('ZREM', KEYS[45], queue)
if call('EXISTS', KEYS[45]) == 0 then call('ZREM', KEYS[44], project_of(queue)) end
call('UNLINK', unpack(KEYS, 1 + NAMED, 2 * NAMED))
for index = 1, NAMED do
    if call('EXISTS', KEYS[index]) == 1 then call('RENAME', KEYS[index], KEYS[index + NAMED]) end
    call('SET', KEYS[index], ARGV[4])
end
return { 'closed', last, meta[2] or '' }
