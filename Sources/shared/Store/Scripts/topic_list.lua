-- topic_list.lua: a page of a project's topics in byte order of their names.
-- KEYS    1 names of the project's topics   2 their metadata
-- ARGV    1 now   2 the name to start behind, or ''   3 limit
-- RETURNS name, metadata ...
-- COST    log n + k for k of n topics
local names = call('ZRANGEBYLEX', KEYS[1], ARGV[2] == '' and '-' or '(' .. ARGV[2], '+', 'LIMIT', 0, ARGV[3])
if #names == 0 then return {} end
local metadata, answer = call('HMGET', KEYS[2], unpack(names)), {}
for index, name in ipairs(names) do
    answer[2 * index - 1] = name
    answer[2 * index] = metadata[index]
end
return answer
