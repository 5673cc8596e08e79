-- dead_letter_get.lua: read a dead letter.
-- KEYS    1 dead-letters   2 dead-letter-entries   3 dead-letter-records
-- ARGV    1 now   2 dead letter
-- RETURNS {when it ended, what is written down of it, record}, or {} when there is none
-- COST    1
local ended, entry = call('ZSCORE', KEYS[1], ARGV[2]), call('HGET', KEYS[2], ARGV[2])
if not ended or not entry then return {} end
return { tonumber(ended), entry, call('HGET', KEYS[3], string.match(ARGV[2], '%d+$')) or '' }
