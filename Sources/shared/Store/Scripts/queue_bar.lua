-- queue_bar.lua: bar the names of a queue in the store that it moves to, and forget what an earlier move left there; or have
-- what was copied there get as far as writes of this store do.
-- KEYS    1-20 named for the queue   21-40 the same of a closed one   41 last-position
-- ARGV    1 now   2 the text that bars, of no other move   3 last position of the store it comes from   4 1: what was copied there
--         stays
-- RETURNS 1; 0: the store has a queue of that name, is the one that the queue leaves, or has lost what was copied: nothing was
--         written
-- COST    1
local NAMED = 20
for index = 1, NAMED do
    local kind = call('TYPE', KEYS[index]).ok
    if kind ~= 'none' and kind ~= 'string' then return 0 end
end
local is_barred = call('GET', KEYS[1]) == ARGV[2]
-- Before the copy this move has barred nothing here: else it is the store that the queue leaves. Behind it the text is still there:
-- else the server has lost what was copied.
if is_barred ~= (ARGV[4] == '1') then return 0 end
for index = 1, NAMED do call('SET', KEYS[index], ARGV[2]) end
if ARGV[4] ~= '1' then call('UNLINK', unpack(KEYS, 1 + NAMED, 2 * NAMED)) end
-- From now on no position is given here that it has used, and none in front of its messages.
if tonumber(call('GET', KEYS[41]) or '0') < tonumber(ARGV[3]) then call('SET', KEYS[41], ARGV[3]) end
return 1
