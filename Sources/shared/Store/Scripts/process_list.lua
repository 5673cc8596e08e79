-- process_list.lua: read the living processes.
-- KEYS    1 processes   2 process-expiries   3 exporter
-- ARGV    1 now
-- RETURNS {now, exporter or '', then per process its id, when it counts as ended, what it says of itself ...}
-- COST    one reply of all of them
local answer = { now, call('GET', KEYS[3]) or '' }
local living = call('ZRANGEBYSCORE', KEYS[2], '(' .. text(now), '+inf', 'WITHSCORES')
for index = 1, #living, 2 do
    answer[#answer + 1] = living[index]
    answer[#answer + 1] = tonumber(living[index + 1])
    answer[#answer + 1] = call('HGET', KEYS[1], living[index]) or ''
end
return answer
