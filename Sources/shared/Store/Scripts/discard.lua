-- discard.lua: forget a dead letter.
-- KEYS    1 dead   2 letters   3 records   and by name: dead-bytes dead-oldest
-- ARGV    1 now   2 prefix   3 queue   4 letter
-- RETURNS 1, or 0 when there is none
-- COST    log n
if not call('ZSCORE', KEYS[1], ARGV[4]) then return 0 end
begin_at_limit(KEYS[1])
dead_letters().forget(ARGV[3], { ARGV[4] })
dead_letters().account(ARGV[3])
return 1
