-- api_key_change.lua: change fields of an API key, if it is there still.
-- KEYS    1 api-key
-- ARGV    1 now   2 ms for which the secret it has counts beside its next one, -1 where that stays   then fields and values
-- RETURNS 1; 0: there is none of this id
-- COST    1
local secret = call('HGET', KEYS[1], 'secret')
if not secret then return 0 end
if ARGV[2] ~= '-1' then
    call('HSET', KEYS[1], 'previous', secret, 'previous-until', text(now + tonumber(ARGV[2])))
end
call('HSET', KEYS[1], unpack(ARGV, 3))
return 1
