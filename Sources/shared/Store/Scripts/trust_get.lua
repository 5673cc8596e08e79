-- trust_get.lua: the trust that was made for a subscription.
-- KEYS    1 trusts   2 subscription-order
-- ARGV    1 now   2 id of the subscription
-- RETURNS the id of the trust, or nothing
-- COST    1
call('ZCARD', KEYS[2]) -- Fails where its queue is closed, see queue_close.lua.
return call('HGET', KEYS[1], ARGV[2])
