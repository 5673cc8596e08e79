-- trust_finish.lua: a trust is removed.
-- KEYS    1 ended-trusts
-- ARGV    1 now   2 member, as trust_take returned it
-- RETURNS 1; 0: it was not kept any more
-- COST    log n
may_free(KEYS[1])
return call('ZREM', KEYS[1], ARGV[2])
