-- move_note.lua: prolong, change, take over or remove the note that a queue moves.
-- KEYS    1 queue-moves
-- ARGV    1 now   2 queue   3 mover   4 ms for which the note counts   5 its new phase, '' for the one it has, '-' to remove it
-- RETURNS the note as it was, where it is the mover's or counts no more: it is the mover's then; nothing otherwise
-- COST    2
local note = call('HGET', KEYS[1], ARGV[2])
if not note then return false end
local phase, ends, mover, rest = string.match(note, '^(%a+)|(%d+)|(%w+)(|.*)$')
if not phase or (mover ~= ARGV[3] and tonumber(ends) > now) then return false end
if ARGV[5] == '-' then
    call('HDEL', KEYS[1], ARGV[2])
else
    local next_phase = ARGV[5] ~= '' and ARGV[5] or phase
    call('HSET', KEYS[1], ARGV[2], table.concat({ next_phase, text(now + tonumber(ARGV[4])), ARGV[3] }, '|') .. rest)
end
return note
