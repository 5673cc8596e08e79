-- subscription_find.lua: find the living subscription of an address.
-- KEYS    1 subscriber-addresses   2 subscription-headers
-- ARGV    1 now   2 address
-- RETURNS {id, 0 or 1: confirmed}; {} when there is none
-- COST    1
local known = call('HGET', KEYS[1], ARGV[2])
local header = known and call('HGET', KEYS[2], known)
if not is_alive(header) then return {} end
return { known, is_confirmed(header) and 1 or 0 }
