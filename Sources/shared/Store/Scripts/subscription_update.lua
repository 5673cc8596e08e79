-- subscription_update.lua: change a living subscription.
-- KEYS    1 subscriptions   2 subscription-headers   3 subscription-order   4 subscriber-addresses
--         5 subscription-expiries   6 trusts   7 ended-trusts
-- ARGV    1 now   2 id   3 queue   then, each or '': 4 address   5 ttl, s   6 options
--         7 1: another address is not confirmed   8 pacing of the options, see lib_header.lua, or '': it stays
--         Links that were sent to an address before do not confirm another.
--         9 the version it was read at, or '': whatever it is   10 '': its trust stays; the trust that was made for it; '-': it
--         has none any more
-- RETURNS 'updated'; 'absent': the queue has none of this id; 'taken': another one has that address; 'changed': it has another
--         version. Nothing changed in the last three.
-- COST    log n for n subscriptions of the queue
call('ZCARD', KEYS[3]) -- Fails where its queue is closed, see queue_close.lua.
local id = ARGV[2]
local header, record = call('HGET', KEYS[2], id), call('HGET', KEYS[1], id)
if not is_alive(header) or not record or queue_of(header) ~= ARGV[3] then
    return 'absent'
end
if ARGV[9] ~= '' and tonumber(ARGV[9]) ~= version_of(header) then return 'changed' end
local ttl, secret, before, latest, barred = life_of(record)
local address, from = address_of(record)
local options = string.sub(record, from)
local expires, confirmed, pacing
if ARGV[4] ~= '' and ARGV[4] ~= address then
    local known = call('HGET', KEYS[4], ARGV[4])
    local other = known and call('HGET', KEYS[2], known)
    if is_alive(other) then return 'taken' end
    -- An expired one of the same address stays behind for the sweep, which finds it by its end.
    if known then call('ZREM', KEYS[3], known) end
    if call('HGET', KEYS[4], address) == id then call('HDEL', KEYS[4], address) end
    call('HSET', KEYS[4], ARGV[4], id)
    address, barred = ARGV[4], math.max(barred, latest)
    if ARGV[7] == '1' then confirmed = '0' end
end
if ARGV[5] ~= '' then
    ttl, expires = ARGV[5], now + tonumber(ARGV[5]) * 1000
    call('ZADD', KEYS[5], expires, id)
end
if ARGV[10] ~= '' then
    -- Attempts may be under way with a token of it.
    end_trust(KEYS[6], KEYS[7], id, 60000)
    if ARGV[10] ~= '-' then keep_trust(KEYS[6], KEYS[7], id, ARGV[10]) end
end
if ARGV[6] ~= '' then options, pacing = ARGV[6], ARGV[8] ~= '' and ARGV[8] or nil end
call('HSET', KEYS[2], id, changed_header(header, expires, confirmed, pacing, is_mail(address) and '1' or '0'))
call('HSET', KEYS[1], id, new_record(address, options, ttl, secret, before, latest, barred))
return 'updated'
