-- confirmation_schedule.lua: choose when an address is asked a question, so that no pause sees two, and no day too many.
-- KEYS    1 questions from one project to one address   2 questions from all projects to the address
-- ARGV    1 now   2 kind and subscription   3 pause, ms   4 questions that may wait   5 most questions in a day from all
--         projects; 0 for no limit, then nothing is read or written behind KEYS 2   6 project
-- RETURNS when it may be sent, ms since the epoch, the same for a question that waits already; -1: too many wait
-- COST    log n for n questions that wait
local DAY, DAYS_WAITED = 86400000, 7
local waiting = tonumber(call('ZSCORE', KEYS[1], ARGV[2]))
if waiting and waiting > now then return waiting end
local pause, daily = tonumber(ARGV[3]), tonumber(ARGV[5])
if call('ZCOUNT', KEYS[1], '(' .. text(now - pause), '+inf') > tonumber(ARGV[4]) then return -1 end
local latest = tonumber(call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2])
local at = latest and math.max(now, latest + pause) or now
if daily > 0 then
    if call('ZCOUNT', KEYS[2], '(' .. text(now), '+inf') >= daily * DAYS_WAITED then return -1 end
    -- Of any as many that follow one another, the last comes a day after the first.
    local first = tonumber(call('ZRANGE', KEYS[2], -daily, -daily, 'WITHSCORES')[2])
    if first then at = math.max(at, first + DAY) end
end
call('ZADD', KEYS[1], at, ARGV[2])
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - pause)
call('PEXPIRE', KEYS[1], text(at + pause - now))
if daily > 0 then
    call('ZADD', KEYS[2], at, text(at) .. '|' .. ARGV[2] .. '|' .. ARGV[6])
    call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - DAY)
    call('PEXPIRE', KEYS[2], text(math.max(at, tonumber(call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2])) + DAY - now))
end
return at
