-- queue_create.lua: create a queue, or find that it exists.
-- KEYS    1 meta   2 waited
-- ARGV    1 now   2 metadata, JSON   then, each or '': 3 largest post, bytes   4 default ttl, s   5 default delay, s
--         6 most claims of a message   7 ttl of a dead letter, s   8 1: encrypting   9 dead-letter queue
--         10 retry policy   11 digest: seconds, 5 digits, and messages, 3
--         12 what its messages are to reach: m, d or r
-- RETURNS 1 created, 0 it was there and keeps its metadata
-- COST    1
if call('HLEN', KEYS[1]) > 0 then return 0 end
local meta = { 'created', now, 'metadata', ARGV[2], 'ttl-max', 0 }
for index, field in ipairs({ 'post-bytes-max', 'ttl-default', 'delay-default', 'claims-max', 'dead-letter-ttl', 'encrypting', 'dead-letter-queue', 'retry-policy', 'digest', 'durability' }) do
    local value = ARGV[2 + index]
    if value ~= '' then
        meta[#meta + 1] = field
        meta[#meta + 1] = value
    end
end
local waited = call('PTTL', KEYS[2])
if waited > 0 then
    meta[#meta + 1] = 'waited-until'
    meta[#meta + 1] = text(now + waited)
end
call('HSET', KEYS[1], unpack(meta))
return 1
