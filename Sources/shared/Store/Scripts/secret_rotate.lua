-- secret_rotate.lua: give a subscription its next secret; the one before counts for a while.
-- KEYS    1 subscriptions   2 subscription-headers   3 subscription-order
-- ARGV    1 now   2 id   3 queue   4 ms the secret before goes on counting
-- RETURNS {version, until}: number of the secret from now on, and when the one before ends, -1 for at once; {} when the
--         queue has no living subscription of this id
-- COST    1
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local id = ARGV[2]
local header, record = call('HGET', KEYS[2], id), call('HGET', KEYS[1], id)
if not is_alive(header) or not record or queue_of(header) ~= ARGV[3] then return {} end
local ttl, secret, _, latest, barred = life_of(record)
secret = secret + 1
local ends = tonumber(ARGV[4]) > 0 and now + tonumber(ARGV[4]) or -1
call('HSET', KEYS[2], id, changed_header(header))
call('HSET', KEYS[1], id, with_life(record, ttl, secret, ends, latest, barred))
return { secret, ends }
