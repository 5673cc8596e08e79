-- subscription_leave.lua: write down that the subscriber left by a link of a mail; links sent to it before confirm no more.
-- KEYS    1 subscription-headers   2 subscriptions   3 subscription-order
-- ARGV    1 now   2 id   3 queue   4 address   5 wanted expiry of the link for a return, s
-- RETURNS the expiry of the link for a return, s, no sooner than wanted; 0: the queue has no living subscription of this id, or
--         it has another address
-- COST    1
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local header, record = call('HGET', KEYS[1], ARGV[2]), call('HGET', KEYS[2], ARGV[2])
if not is_alive(header) or not record or queue_of(header) ~= ARGV[3] then return 0 end
local address = address_of(record)
if address ~= ARGV[4] then return 0 end
local ttl, secret, before, latest, barred = life_of(record)
-- Leaving again changes nothing, so that the link for a return goes on counting.
if is_confirmed(header) then barred = math.max(barred, latest) end
local expiry = math.max(tonumber(ARGV[5]), latest, barred + 1)
-- The header keeps its length, and the record gets at most two numbers more.
may_free(KEYS[1])
call('HSET', KEYS[1], ARGV[2], changed_header(header, nil, '0'))
call('HSET', KEYS[2], ARGV[2], with_life(record, ttl, secret, before, expiry, barred))
return expiry
