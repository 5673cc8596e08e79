-- format_raise.lua: raise the format of the store, if every living process understands the new one.
-- KEYS    1 format   2 processes   3 process-expiries
-- ARGV    1 now   2 format
-- RETURNS {'raised'}; {'kept', format}: the store has that format or a newer one; {'refused', process ...}: those that do
--         not understand it; {'absent'}: the store has no format. In the last three nothing was changed
-- COST    1 a process
local kept, wanted = tonumber(call('GET', KEYS[1]) or ''), tonumber(ARGV[2])
if not kept then return { 'absent' } end
if kept >= wanted then return { 'kept', kept } end
local answer = { 'refused' }
for _, process in ipairs(call('ZRANGEBYSCORE', KEYS[3], '(' .. text(now), '+inf')) do
    -- What a process says of itself begins with the formats it understands.
    local oldest, newest = string.match(call('HGET', KEYS[2], process) or '', '^(%d+)%-(%d+) ')
    if not oldest or tonumber(oldest) > wanted or tonumber(newest) < wanted then answer[#answer + 1] = process end
end
if #answer > 1 then return answer end
call('SET', KEYS[1], text(wanted))
return { 'raised' }
