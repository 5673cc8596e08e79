-- api_key_revoke.lua: end an API key. That it was revoked stays, so that no file brings it back.
-- KEYS    1 api-key   2 api-key-order
-- ARGV    1 now   2 id
-- RETURNS 1; 0: there is none of this id
-- COST    log n for n keys
local project = call('HGET', KEYS[1], 'project')
if not project then return 0 end
may_free(KEYS[2])
call('DEL', KEYS[1])
call('HSET', KEYS[1], 'revoked', text(now))
call('ZREM', KEYS[2], #project .. ':' .. project .. ':' .. ARGV[2])
return 1
