-- event_list.lua: the positions of the messages in some events of a queue, from the newest on.
-- KEYS    1 events of a queue, closed or not
-- ARGV    1 now   2 how many of the newest to pass over: older ones may be taken meanwhile, and newer ones come
-- RETURNS per event, at most 10, since each may have a megabyte: the position of its first message and how many messages it has
-- COST    k events, and what they take
local newest, answer = -1 - ARGV[2], {}
for _, event in ipairs(call('LRANGE', KEYS[1], newest - 9, newest)) do
    local first, at = struct.unpack(EVENT_HEAD, event)
    local count = 0
    while at <= #event do
        local length, from = struct.unpack(EVENT_LENGTH, event, at)
        at, count = from + length, count + 1
    end
    answer[#answer + 1] = text(first)
    answer[#answer + 1] = count
end
return answer
