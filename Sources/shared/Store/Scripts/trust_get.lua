-- trust_get.lua: the trust that was made for a subscription.
-- KEYS    1 trusts
-- ARGV    1 now   2 id of the subscription
-- RETURNS the id of the trust, or nothing
-- COST    1
return call('HGET', KEYS[1], ARGV[2])
