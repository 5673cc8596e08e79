-- dead_letter_discard.lua: remove a dead letter.
-- KEYS    1 dead-letters   2 dead-letter-entries   3 dead-letter-records   and by name: dead-letter-bytes
--         dead-letter-oldest
-- ARGV    1 now   2 prefix   3 queue   4 dead letter
-- RETURNS 1, or 0 when there is none
-- COST    log n
if not call('ZSCORE', KEYS[1], ARGV[4]) then return 0 end
begin_at_limit(KEYS[1])
dead_letters().forget(ARGV[3], { ARGV[4] })
dead_letters().account(ARGV[3])
return 1
