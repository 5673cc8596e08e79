-- suppression_remove.lua: end the suppression of an address of a project.
-- KEYS    1 suppressions   2 suppression-order
-- ARGV    1 now   2 address
-- RETURNS 1 ended, 0 there was none
-- COST    log n for n addresses
call('ZREM', KEYS[2], ARGV[2])
return call('HDEL', KEYS[1], ARGV[2])
