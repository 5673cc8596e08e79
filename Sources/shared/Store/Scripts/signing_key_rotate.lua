-- signing_key_rotate.lua: give a project its next signing key; the one before counts for a while.
-- KEYS    1 signing-key of the project
-- ARGV    1 now   2 ms the key before goes on counting
-- RETURNS {version, until}: number of the key from now on, and when the one before ends, -1 for at once; {} when what is there cannot
--         be read, and stays as it is: the number may never go back
-- COST    1
local version = 1
local held = call('GET', KEYS[1])
if held then
    version = tonumber(string.match(held, '^(%d+) %-?%d+$'))
    if not version or version < 1 or version >= 2 ^ 53 then return {} end
end
local ends = tonumber(ARGV[2]) > 0 and now + tonumber(ARGV[2]) or -1
call('SET', KEYS[1], text(version + 1) .. ' ' .. text(ends))
return { version + 1, ends }
