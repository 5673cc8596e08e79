-- get.lua: read one message that has not expired; a delayed one too.
-- KEYS    1 log
-- ARGV    1 now   2 position
-- RETURNS {now, record}, or {now} when there is none
-- COST    log n
local entry = call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return { now } end
local record = entry[2][2]
if math.floor(tonumber(ARGV[2]) / 2048) + struct.unpack('>I4', record) * 1000 <= now then return { now } end
return { now, record }
