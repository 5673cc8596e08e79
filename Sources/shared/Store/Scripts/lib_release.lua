-- lib_release.lua: the bytes of messages that are removed; it stands behind lib_usage.lua in front of what removes them.
-- KEYS    none of its own: `usage` of the project follows from the key of a queue's hash
-- ARGV    1 now
-- RETURNS nothing: it defines `release`, `sizes_of`
-- COST    under a microsecond

-- `usage` of the project of a queue.
local function usage_of(meta)
    local prefix, length, from = string.match(meta, '^(.-}:)' .. KEYS_QUEUE .. '(%d+):()')
    return prefix .. KEYS_USAGE .. string.sub(meta, from, from + tonumber(length) - 1)
end

-- Writes down that a queue holds so many bytes less, or nothing: then it counts anew from its next message on.
local function release(meta, held, bytes)
    if bytes < held then
        if bytes > 0 then call('HSET', meta, 'bytes', counted(usage_of(meta), held, -bytes)) end
    else
        if held > 0 then counted(usage_of(meta), held, -held) end
        call('HDEL', meta, 'bytes', 'counted-from')
    end
end

-- What counted messages take that are to be removed, and the fields of `states` that say so. `known`, if any, has the sizes of
-- those whose records were read.
local function sizes_of(log, states, positions, counted_from, known)
    local bytes, fields, unknown, names = 0, {}, {}, {}
    for index, position in ipairs(positions) do
        local size = known and known[index]
        if size and size > LARGE then fields[#fields + 1] = size_field(position) end
        if tonumber(position) >= counted_from then
            if size then
                bytes = bytes + size
            else
                unknown[#unknown + 1] = position
                names[#names + 1] = size_field(position)
            end
        end
    end
    if #unknown == 0 then return bytes, fields end
    local large = call('HMGET', states, unpack(names))
    for index, position in ipairs(unknown) do
        if large[index] then
            bytes = bytes + tonumber(large[index])
            fields[#fields + 1] = names[index]
        else
            local entry = call('XRANGE', log, position, position)[1]
            if entry then bytes = bytes + #entry[2][2] end
        end
    end
    return bytes, fields
end
