-- trust_take.lua: take trusts that are to be removed, each out of the way of other takers until it is due again.
-- KEYS    1 ended-trusts
-- ARGV    1 now   2 limit, at most 100   3 most tries   4 ms until the second try, doubled with each   5 ms, no longer
-- RETURNS the members, `<tries so far>:<trust>`, with this one; those behind their last try are not kept
-- COST    k log n for k of n
may_free(KEYS[1])
local taken = {}
for _, member in ipairs(call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))) do
    local tries, trust = string.match(member, '^(%d+):(.*)$')
    tries = tonumber(tries) + 1
    call('ZREM', KEYS[1], member)
    local again = tries .. ':' .. trust
    if tries < tonumber(ARGV[3]) then
        local pause = math.min(tonumber(ARGV[4]) * 2 ^ math.min(tries - 1, 30), tonumber(ARGV[5]))
        call('ZADD', KEYS[1], text(now + pause), again)
    end
    taken[#taken + 1] = again
end
return taken
