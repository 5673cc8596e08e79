-- session_finish.lua: remove entries that a node has written to its sessions from its inbox, and tell the notifiers how each attempt ended.
-- KEYS    1 session-inbox of the node   2 session-inbox-bytes   then session-outcomes of each notifier
-- ARGV    1 now   2 node   3 bytes of the entries   4 most entries of the outcomes of a notifier   5 ms these are kept
--         6 how many entries   then their ids   then the outcomes for each notifier
-- RETURNS how many entries were removed
-- COST    3 us and 1 for each entry and each notifier
may_free(KEYS[2])
local node, bytes, count = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[6])
local removed = count > 0 and call('XDEL', KEYS[1], unpack(ARGV, 7, 6 + count)) or 0
if count > 0 and call('XLEN', KEYS[1]) == 0 then
    call('DEL', KEYS[1])
    call('HDEL', KEYS[2], node)
elseif removed > 0 then
    call('HINCRBY', KEYS[2], node, -bytes)
end
for index = 7 + count, #ARGV do
    local key = KEYS[index - 4 - count]
    call('XADD', key, 'MAXLEN', '~', ARGV[4], '*', 'outcomes', ARGV[index])
    -- Of a notifier that has ended they go by themselves.
    call('PEXPIRE', key, ARGV[5])
end
return removed
