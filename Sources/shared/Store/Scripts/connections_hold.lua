-- connections_hold.lua: say how many connections of a project a process has, unless there would be too many.
-- KEYS    1 connections of the project
-- ARGV    1 now   2 process   3 how many it has; '': as many as it said   4 how many more, 0 and '' to only ask   5 most of all processes
--         together, or 0   6 ms for which this counts
-- RETURNS {1, how many all have}; {0, how many all have}, nothing said: it would be more than the most
-- COST    the number of processes
local total, own, over = 0, 0, {}
local entries = call('HGETALL', KEYS[1])
for index = 1, #entries, 2 do
    local count, ends = string.match(entries[index + 1], '^(%d+) (%d+)$')
    if tonumber(ends) <= now then
        over[#over + 1] = entries[index]
    elseif entries[index] == ARGV[2] then
        own = tonumber(count)
    else
        total = total + tonumber(count)
    end
end
local most, more = tonumber(ARGV[5]), tonumber(ARGV[4])
local holds = math.max((tonumber(ARGV[3]) or own) + more, 0)
if most > 0 and more > 0 and total + holds > most then return { 0, total + own } end
if ARGV[3] == '' and more == 0 then return { 1, total + own } end
-- What does not add goes on when Redis has no memory left: it begins with what cannot grow.
if more <= 0 then over[#over + 1] = ARGV[2] end
if #over > 0 then call('HDEL', KEYS[1], unpack(over)) end
if holds > 0 then
    call('HSET', KEYS[1], ARGV[2], text(holds) .. ' ' .. text(now + tonumber(ARGV[6])))
    call('PEXPIRE', KEYS[1], ARGV[6])
end
return { 1, total + holds }
