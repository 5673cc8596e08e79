-- queue_open.lua: open a closed queue. `subscription_admit.lua` follows for its subscriptions.
-- KEYS    1-20 named for the queue   21-40 the same of a closed one   41 queue-sweeps   42 fanout-projects
--         43 fanout-queues of the project   44 wakeup   45 usage of the project   and by name: dead-letter-bytes
--         dead-letter-oldest dead-letters dead-letter-records
-- ARGV    1 now   2 prefix   3 queue   4 shard   5 1: it comes from another store   6 the text that bars it
-- RETURNS 1; 0 when it is open, or another text bars it: nothing was written
-- COST    log n
local META, EVENTS, DEAD, POST_KEYS, NAMED, queue = KEYS[1], KEYS[15], KEYS[16], KEYS[19], 20, ARGV[3]
if call('TYPE', META).ok ~= 'string' or call('GET', META) ~= ARGV[6] then return 0 end
begin_at_limit(KEYS[41])
for index = 1, NAMED do
    call('DEL', KEYS[index])
    if call('EXISTS', KEYS[index + NAMED]) == 1 then call('RENAME', KEYS[index + NAMED], KEYS[index]) end
end
local meta = call('HMGET', META, 'sweep-at', 'bytes')
if ARGV[5] == '1' then counted(KEYS[45], 0, (tonumber(meta[2]) or 0) + call('HLEN', POST_KEYS) * POST_KEY_BYTES) end
if meta[1] then call('ZADD', KEYS[41], meta[1], queue) end
if call('EXISTS', DEAD) == 1 then dead_letters().account(queue) end
local event = call('LINDEX', EVENTS, 0)
if event then
    local position = text(struct.unpack(EVENT_HEAD, event))
    call('ZADD', KEYS[43], 'NX', position, queue)
    call('ZADD', KEYS[42], 'NX', position, project_of(queue))
    call('ZADD', KEYS[44], 0, ARGV[4])
end
return 1
