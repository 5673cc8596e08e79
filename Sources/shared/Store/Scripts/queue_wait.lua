-- queue_wait.lua: note that a node waits for messages of a queue, which need not be there yet.
-- KEYS    1-12 of the queue   13 waited
-- ARGV    1 now   2 milliseconds for which it wants signals
-- RETURNS milliseconds until a message may become free though nothing is written: a claim lapses, or a delay passes; -1:
--         never
-- COST    log n
local life, soonest = ARGV[2], math.huge
-- First, so that it is refused where there is no memory for it: then no queue is created either.
redis.pcall('SET', KEYS[13], '1', 'PX', life)
may_free(META)
if call('EXISTS', META) == 1 then call('HSET', META, 'waited-until', text(now + tonumber(life))) end
-- What is due already is found by the look that follows.
for _, key in ipairs({ HELD, DELAY }) do
    local first = call('ZRANGEBYSCORE', key, '(' .. text(now), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if first then soonest = math.min(soonest, tonumber(first)) end
end
return soonest == math.huge and -1 or soonest - now
