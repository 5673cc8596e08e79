-- claim_create.lua: put a claim on the oldest free messages. What was claimed as often as the queue allows goes on its way to
-- the dead-letter queue instead.
-- KEYS    1-12 of the queue   13 moves   14 queue-sweeps
-- ARGV    1 now   2 limit   3 claim   4 ttl, s   5 grace, s   6 queue
-- RETURNS {1: nothing found yet, call again, now, first and last entry written to `moves` or '',
--         then position, record, state ...}
-- COST    log n + k for k messages; at most 500 messages looked at, freed or moved, each 2 KiB of a record counts as one:
--         a megabyte and the first ten
may_free(META)
local claim, ttl, grace = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local rules = call('HMGET', META, 'claims-max', 'dead-letter-queue', 'dead-letter-ttl', 'sweep-at', 'waited-until')
local count_max, target, target_ttl = tonumber(rules[1]), rules[2], tonumber(rules[3])
local counts = count_max and target
local moved, sizes, first_move, last_move = {}, {}, '', ''

local function keep(entry)
    local position, record = entry[1], entry[2]
    local _, count, shown_ttl = state_of(entry[4])
    if count < count_max then return true end
    local ends = target_ttl and now + target_ttl * 1000 or entry[3]
    local lives = target_ttl or tonumber(shown_ttl) or struct.unpack(RECORD_HEAD, record)
    last_move = call('XADD', KEYS[13], '*', 'source', ARGV[6], 'position', position, 'target', target, 'ttl', lives, 'expires', ends,
        'record', record)
    if first_move == '' then first_move = last_move end
    moved[#moved + 1] = position
    sizes[#moved] = #record
    return false
end

local taken, ran_out = take_free(tonumber(ARGV[2]), counts and keep)
forget(moved, sizes)
local answer = { ran_out and #taken == 0 and 1 or 0, now, first_move, last_move }
if #taken == 0 then return answer end

local claim_end, prolonged, prolonged_ttl = now + ttl * 1000, text(now + (ttl + grace) * 1000), ttl + grace
local claim_end_text = text(claim_end)
local held, ends, states, positions = {}, {}, {}, {}
for index, entry in ipairs(taken) do
    local position = entry[1]
    local _, count, shown_ttl = state_of(entry[4])
    if entry[3] < claim_end then
        ends[#ends + 1] = prolonged
        ends[#ends + 1] = position
        shown_ttl = prolonged_ttl
    end
    local state = claim .. '|' .. (counts and count + 1 or count) .. '|' .. shown_ttl
    held[#held + 1] = claim_end_text
    held[#held + 1] = position
    states[#states + 1] = position
    states[#states + 1] = state
    positions[index] = position
    answer[#answer + 1] = position
    answer[#answer + 1] = entry[2]
    answer[#answer + 1] = state
end
call('ZADD', HELD, unpack(held))
if #ends > 0 then call('ZADD', EXP, unpack(ends)) end
call('HSET', STATE, unpack(states))
call('HSET', CLAIMS, claim, now .. '|' .. ttl .. '|' .. table.concat(positions, ','))
call('ZADD', ENDS, claim_end_text, claim)
-- The sweep removes the claim when it has ended, also when its messages have left or live much longer.
if not rules[4] or claim_end < tonumber(rules[4]) then
    call('HSET', META, 'sweep-at', claim_end)
    call('ZADD', KEYS[14], claim_end, ARGV[6])
end
if is_waited(rules[5]) then signal(META, ttl * 1000) end
return answer
