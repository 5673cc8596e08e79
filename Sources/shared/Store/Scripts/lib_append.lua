-- lib_append.lua: what the scripts that append to a queue share; it stands behind lib_common.lua and in front of each.
-- KEYS    none of its own
-- ARGV    1 now
-- RETURNS nothing: it defines `run_with`
-- COST    under a microsecond

-- Messages of a block. Where a whole block was posted by one client, a listing that hides this client steps over it.
local BLOCK = 500
local NO_CLIENT, SEVERAL = '........', '********'

-- The run of a queue after messages of one client were appended: what `open-run` of `meta` is to be. It holds the open block;
-- a full one goes to `client-runs`, unless it goes on as the one before: one client's million messages are one entry there, and
-- no queue has more than one a block.
local function run_with(runs, run, first, count, mark)
    local start, before, owner, last = first, 0, mark, NO_CLIENT
    if run then
        last = string.sub(run, RUN_BEFORE_FROM)
        local open_start, open_count = struct.unpack(RUN_HEAD, run)
        if open_count > 0 then
            start, before = open_start, open_count
            if string.sub(run, RUN_MARK_FROM, RUN_MARK_TO) ~= mark then owner = SEVERAL end
        end
    end
    local total = before + count
    if total >= BLOCK then
        if owner ~= last then call('ZADD', runs, start, text(start) .. ':' .. owner) end
        total, last = 0, owner
    end
    return struct.pack(RUN_HEAD, start, total) .. owner .. last
end
