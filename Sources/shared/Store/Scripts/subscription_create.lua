-- subscription_create.lua: subscribe an address to a queue, unless it already is.
-- KEYS    1 meta   2 last-position   3 subscriptions   4 subscription-headers   5 subscription-order
--         6 subscriber-addresses   7 subscription-expiries   8 usage of the project   9 trusts
--         10 ended-trusts
-- ARGV    1 now   2 1: create a missing queue   3 queue   4 end of the new id, random   5 address   6 ttl, s
--         7 options   8 pacing, see lib_header.lua   9 1: the project has as many as it may   10 the trust that was made for it,
--         or ''
-- RETURNS {'created', id}; {'exists', id, 0 or 1: confirmed}, nothing about it changed; {'absent'} without a queue,
--         {'full'} when it would be one too many: nothing written
-- COST    log n for n subscriptions of the queue
local missing = call('EXISTS', KEYS[1]) == 0
if missing and ARGV[2] ~= '1' then return { 'absent' } end
local known = call('HGET', KEYS[6], ARGV[5])
local header = known and call('HGET', KEYS[4], known)
local exists = is_alive(header)
if not exists and ARGV[9] == '1' then return { 'full' } end
if missing then call('HSET', KEYS[1], 'created', now, 'metadata', '{}', 'ttl-max', 0) end
if exists then return { 'exists', known, is_confirmed(header) and 1 or 0 } end

local position = next_position(KEYS[2])
local id, expires = new_id(position, ARGV[4]), now + tonumber(ARGV[6]) * 1000
call('HSET', KEYS[4], id, new_header(expires, '0', is_mail(ARGV[5]) and '1' or '0', ARGV[8], '000001', ARGV[3]))
call('HSET', KEYS[3], id, new_record(ARGV[5], ARGV[7], ARGV[6], 1, -1, 0, 0))
-- An expired one of the same address stays behind for the sweep, which finds it by its end.
if known then call('ZREM', KEYS[5], known) end
call('ZADD', KEYS[5], position, id)
call('HSET', KEYS[6], ARGV[5], id)
call('ZADD', KEYS[7], expires, id)
if ARGV[10] ~= '' then keep_trust(KEYS[9], KEYS[10], id, ARGV[10]) end
call('SET', KEYS[2], position)
count_new(KEYS[8], position)
return { 'created', id }
