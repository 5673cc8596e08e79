-- bounce_count.lua: write down that mail to an address of a project came back for now today.
-- KEYS    1 bounce-days of the address
-- ARGV    1 now   2 days that are counted
-- RETURNS on how many of these days, today included, mail came back
-- COST    1
local DAY = 86400000
local today, days = math.floor(now / DAY), tonumber(ARGV[2])
call('ZADD', KEYS[1], today, text(today))
call('ZREMRANGEBYSCORE', KEYS[1], '-inf', today - days)
call('PEXPIRE', KEYS[1], text(days * DAY))
return call('ZCARD', KEYS[1])
