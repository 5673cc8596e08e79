-- get.lua: read messages that have not expired; delayed ones too.
-- KEYS    1 log
-- ARGV    1 now   then position ...
-- RETURNS {now, position, record ...} in the order asked for, without those that are not there
-- COST    k log n for k positions
local answer = { now }
for index = 2, #ARGV do
    local position = ARGV[index]
    local entry = call('XRANGE', KEYS[1], position, position)[1]
    if entry and math.floor(tonumber(position) / 2048) + struct.unpack('>I4', entry[2][2]) * 1000 > now then
        answer[#answer + 1] = position
        answer[#answer + 1] = entry[2][2]
    end
end
return answer
