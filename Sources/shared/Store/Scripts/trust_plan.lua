-- trust_plan.lua: have a trust removed later, unless a subscription is stored with it until then.
-- KEYS    1 ended-trusts
-- ARGV    1 now   2 trust   3 ms from now
-- RETURNS 1, or 0 where that was planned before
-- COST    log n
return call('ZADD', KEYS[1], text(now + tonumber(ARGV[3])), '0:' .. ARGV[2])
