-- session_append.lua: append notifications to the inbox of the API node that has the connections of their sessions.
-- KEYS    1 session-nodes   2 session-inbox of the node   3 session-inbox-bytes
-- ARGV    1 now   2 node   3 most entries of the inbox   4 most bytes of it
--         then per entry: notifier   queue   attempts and their sessions   notification
-- RETURNS per entry 1: appended, 0: the node has ended, -1: its inbox is full, or it is silent
-- COST    3 us and 1 each
local node, length_max, bytes_max = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local ends = call('ZSCORE', KEYS[1], node)
local has_ended = not ends or tonumber(ends) == 0
local length, before = call('XLEN', KEYS[2]), tonumber(call('HGET', KEYS[3], node)) or 0
local answer, bytes = {}, before
for index = 5, #ARGV, 4 do
    local size = #ARGV[index + 2] + #ARGV[index + 3]
    if has_ended then
        answer[#answer + 1] = 0
    elseif tonumber(ends) <= now or length >= length_max or (length > 0 and bytes + size > bytes_max) then
        answer[#answer + 1] = -1
    else
        call('XADD', KEYS[2], '*', 'notifier', ARGV[index], 'queue', ARGV[index + 1], 'sessions', ARGV[index + 2], 'notification',
            ARGV[index + 3])
        length, bytes = length + 1, bytes + size
        answer[#answer + 1] = 1
    end
end
if bytes > before then call('HSET', KEYS[3], node, bytes) end
return answer
