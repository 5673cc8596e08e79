-- confirmation_schedule.lua: choose when an address is asked a question, so that no pause sees two.
-- KEYS    1 questions from one project to one address
-- ARGV    1 now   2 kind and subscription   3 pause, ms   4 questions that may wait
-- RETURNS when it may be sent, ms since the epoch, the same for a question that waits already; -1: too many wait
-- COST    log n for n questions that wait
local waiting = tonumber(call('ZSCORE', KEYS[1], ARGV[2]))
if waiting and waiting > now then return waiting end
local pause = tonumber(ARGV[3])
if call('ZCOUNT', KEYS[1], '(' .. text(now - pause), '+inf') > tonumber(ARGV[4]) then return -1 end
local latest = tonumber(call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
local at = latest and math.max(now, latest + pause) or now
call('ZADD', KEYS[1], at, ARGV[2])
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - pause)
call('PEXPIRE', KEYS[1], text(at + pause - now))
return at
