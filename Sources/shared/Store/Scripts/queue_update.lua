-- queue_update.lua: replace the metadata of a queue, unless it is not what the caller read.
-- KEYS    1 meta
-- ARGV    1 now   2 metadata as it was read   3 metadata   then, each or '': 4 largest post, bytes   5 default ttl, s
--         6 default delay, s   7 most claims of a message   8 ttl of a dead letter, s   9 1: encrypting
--         10 dead-letter queue   11 retry policy   12 digest: seconds, 5 digits, and messages, 3
--         13 what its messages are to reach: m, d or r
-- RETURNS 1 replaced; the metadata as it is now when it changed meanwhile, null when the queue is gone
-- COST    1
local stored = call('HGET', KEYS[1], 'metadata')
if stored ~= ARGV[2] then return stored end
call('HSET', KEYS[1], 'metadata', ARGV[3])
for index, field in ipairs({ 'post-bytes-max', 'ttl-default', 'delay-default', 'claims-max', 'dead-letter-ttl', 'encrypting', 'dead-letter-queue', 'retry-policy', 'digest', 'durability' }) do
    local value = ARGV[3 + index]
    if value ~= '' then call('HSET', KEYS[1], field, value) else call('HDEL', KEYS[1], field) end
end
return 1
