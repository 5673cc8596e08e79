-- post_tokens_take.lua: take tokens, one a message, from the bucket that the posts of a project share.
-- KEYS    1 post-tokens of the project
-- ARGV    1 now   2 messages a second, which is what the bucket holds at most   3 wanted   4 what is taken beside that, if it is there
-- RETURNS {taken, 0}; {0, ms until they may be}, nothing taken. More than the bucket holds are taken from a full one, which then has to
--         fill up from below nothing.
-- COST    1
-- In thousandths, of which each ms brings as many as there are messages a second.
local rate, wanted, share = tonumber(ARGV[2]), tonumber(ARGV[3]) * 1000, tonumber(ARGV[4]) * 1000
local full, tokens = rate * 1000, rate * 1000
local held, at = string.match(call('GET', KEYS[1]) or '', '^(-?%d+) (%d+)$')
if held then tokens = math.min(full, tonumber(held) + math.max(0, now - tonumber(at)) * rate) end
local needed = math.min(wanted, full)
if tokens < needed then return { 0, math.ceil((needed - tokens) / rate) } end
local taken = wanted + math.floor(math.max(0, math.min(share, tokens - wanted)) / 1000) * 1000
local left = tokens - taken
-- Without the key it is full, which it is after that time.
call('SET', KEYS[1], text(left) .. ' ' .. text(now), 'PX', text(math.ceil((full - left) / rate)))
return { taken / 1000, 0 }
