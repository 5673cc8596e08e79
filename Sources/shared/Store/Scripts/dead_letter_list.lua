-- dead_letter_list.lua: list dead letters of a queue, in the order in which they ended.
-- KEYS    1 dead-letters   2 dead-letter-entries
-- ARGV    1 now   2 prefix   3 ended at or after, ms   4 ended before, ms or ''   5 subscription or ''   6 reason or ''
--         7 dead letter to go on behind, or ''   8 when that one ended, ms   9 limit
-- RETURNS {1: there may be more, last dead letter looked at or '', when it ended}, then per dead letter member, when it ended,
--         what is written down of it
-- COST    (log n)^2 + k for k dead letters looked at, at most 1000 however many of them are not asked for
local LOOKS = 1000
local ends, limit = tonumber(ARGV[4]), tonumber(ARGV[9])
local rank = ARGV[7] ~= '' and rank_behind(KEYS[1], ARGV[8], ARGV[7]) or 0
rank = math.max(rank, call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[3]))

local answer, found, last, ended = { 0, '', 0 }, 0, '', 0
local rows = call('ZRANGE', KEYS[1], rank, rank + LOOKS - 1, 'WITHSCORES')
for first = 1, #rows, 200 do
    local members = {}
    for index = first, math.min(first + 198, #rows), 2 do members[#members + 1] = rows[index] end
    local dead_letters = call('HMGET', KEYS[2], unpack(members))
    for index, member in ipairs(members) do
        local at, dead_letter = tonumber(rows[first + 2 * index - 1]), dead_letters[index]
        if ends and at >= ends then return answer end
        last, ended = member, at
        answer[2], answer[3] = last, ended
        local subscription = string.match(member, '^[^|]+')
        local reason = dead_letter and string.match(dead_letter, '^%d+ %d+ (%S+)')
        if dead_letter and (ARGV[5] == '' or ARGV[5] == subscription) and (ARGV[6] == '' or ARGV[6] == reason) then
            found = found + 1
            answer[#answer + 1] = member
            answer[#answer + 1] = at
            answer[#answer + 1] = dead_letter
            if found >= limit then
                answer[1] = 1
                return answer
            end
        end
    end
end
answer[1] = #rows >= 2 * LOOKS and 1 or 0
return answer
