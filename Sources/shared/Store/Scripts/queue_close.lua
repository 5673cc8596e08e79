-- queue_close.lua: close a queue that moves to another pool. What carries its name gets other names, in the order of
-- `ShardKeys.named`, and under each of its own names lies a text: a script that reads or writes the queue fails at the first key of
-- it, before it has written anything, and its caller asks the directory of queues where the queue is.
-- KEYS    1-20 named for the queue   21-40 the same of a closed one   41 leases   42 subscription-headers   43 pacing
--         44 subscription-expiries   45 delivery-sweeps   46 queue-sweeps   47 fanout-pages   48 fanout-projects
--         49 fanout-queues of the project   50 ready-subscriptions of the project   51 last-position   52 moves
--         53 delivery-sweep-marks   54 ready-projects   55 dead-letter-oldest of the project
-- ARGV    1 now   2 prefix   3 queue   4 the text, of no other move
-- RETURNS {'closed', last position of the shard, its dead-letter queue or ''}, also when it was closed; {'attempts'}: some of its
--         subscriptions are under way; {'fanout'}: its oldest event is half fanned out; {'moves'}: messages of it are between two
--         queues; {'unread'}: a pacing cannot be read. Nothing was written in the last four.
-- COST    k log n for k subscriptions of the queue and k leases of the shard
local META, ORDER, EVENTS, queue = KEYS[1], KEYS[13], KEYS[15], ARGV[3]
-- Messages between two queues that are looked at; of more it waits until they have arrived.
local MOVES = 100
local NAMED, last = 20, call('GET', KEYS[51]) or '1'
if call('TYPE', META).ok == 'string' then return { 'closed', last, call('HGET', KEYS[1 + NAMED], 'dead-letter-queue') or '' } end

if call('HEXISTS', KEYS[47], queue) == 1 then return { 'fanout' } end
local leases = call('ZRANGE', KEYS[41], 0, -1)
for first = 1, #leases, 1000 do
    local subscriptions = {}
    for index = first, math.min(first + 999, #leases) do
        subscriptions[#subscriptions + 1] = string.match(leases[index], '^[^|]*')
    end
    for _, header in ipairs(call('HMGET', KEYS[42], unpack(subscriptions))) do
        if header and queue_of(header) == queue then return { 'attempts' } end
    end
end
local moves = call('XRANGE', KEYS[52], '-', '+', 'COUNT', MOVES)
for _, move in ipairs(moves) do
    if #moves == MOVES or move[2][2] == queue or move[2][6] == queue then return { 'moves' } end
end
local subscriptions, flow = call('ZRANGE', ORDER, 0, -1), {}
for first = 1, #subscriptions, 1000 do
    local last_one = math.min(first + 999, #subscriptions)
    for index, value in ipairs(call('HMGET', KEYS[43], unpack(subscriptions, first, last_one))) do
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
begin_at_limit(KEYS[41])
local meta = call('HMGET', META, 'waited-until', 'dead-letter-queue')
if is_waited(meta[1]) then signal(META, 0) end
in_chunks('HSET', KEYS[43], flow)
local looks = {}
for index, subscription in ipairs(subscriptions) do
    looks[2 * index - 1], looks[2 * index] = subscription, '>' .. subscription
end
in_chunks('ZREM', KEYS[44], subscriptions)
in_chunks('ZREM', KEYS[45], looks)
in_chunks('ZREM', KEYS[50], subscriptions)
in_chunks('HDEL', KEYS[53], subscriptions)
if call('EXISTS', KEYS[50]) == 0 then call('ZREM', KEYS[54], project_of(queue)) end
call('ZREM', KEYS[46], queue)
-- Else a dead letter of another queue would have those of this one dropped.
call('ZREM', KEYS[55], queue)
call('ZREM', KEYS[49], queue)
if call('EXISTS', KEYS[49]) == 0 then call('ZREM', KEYS[48], project_of(queue)) end
call('UNLINK', unpack(KEYS, 1 + NAMED, 2 * NAMED))
for index = 1, NAMED do
    if call('EXISTS', KEYS[index]) == 1 then call('RENAME', KEYS[index], KEYS[index + NAMED]) end
    call('SET', KEYS[index], ARGV[4])
end
return { 'closed', last, meta[2] or '' }
