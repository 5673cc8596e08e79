-- list.lua: read visible messages of a queue, oldest first.
-- KEYS    1 meta   2 log
-- ARGV    1 now   2 position to start behind, or ''   3 limit   4 1: delayed ones too   5 client to hide (mark) or ''
-- RETURNS {now, position to go on behind when the work of one call was used up or '', then position, record ...}
-- COST    log n + k for k messages; at most 500 looked at, each 2 KiB of a record counts as one
local answer = { now, '' }
local ttl_max = tonumber(call('HGET', KEYS[1], 'mttl'))
if not ttl_max then return answer end
-- What is older than the longest ttl has expired: a mass expiry is stepped over at once.
local behind = math.max(tonumber(ARGV[2]) or 0, (now - ttl_max * 1000 + 1) * 2048 - 1)
local wanted, found, budget = tonumber(ARGV[3]), 0, 500
while found < wanted and budget > 0 do
    local count = wanted - found
    local entries = call('XRANGE', KEYS[2], '(' .. text(behind), '+', 'COUNT', count)
    for _, entry in ipairs(entries) do
        local id, record = string.sub(entry[1], 1, -3), entry[2][2]
        behind = tonumber(id)
        local created, ttl, flags = math.floor(behind / 2048), struct.unpack('>I4B', record)
        -- The last ones of a large post are some ms ahead of the clock: without a delay they are visible anyway.
        local delay = flags % 2 == 1 and struct.unpack('>I4', record, 14) or 0
        local is_visible = delay == 0 or created + delay * 1000 <= now or ARGV[4] == '1'
        if created + ttl * 1000 > now and is_visible
            and (ARGV[5] == '' or string.sub(record, 6, 13) ~= ARGV[5]) then
            found = found + 1
            answer[#answer + 1] = id
            answer[#answer + 1] = record
        end
        budget = budget - 1 - math.floor(#record / 2048)
    end
    if #entries < count then return answer end
end
if found < wanted then answer[2] = text(behind) end
return answer
