-- delivery.lua: what the delivery scripts share; the house puts it behind common.lua and in front of each of them.
-- KEYS    none of its own
-- ARGV    1 now   2 prefix of the shard's keys
-- RETURNS nothing: it defines the names below
-- COST    under a microsecond
local prefix = ARGV[2]
local function due_key(subscription) return prefix .. 'due:' .. subscription end
local function ready_key(project) return prefix .. 'r:' .. project end
local function order_key(queue) return prefix .. 'so:' .. queue end
local function address_key(queue) return prefix .. 'su:' .. queue end
local function dead_key(queue) return prefix .. 'dead:' .. queue end
local function letter_key(queue) return prefix .. 'letters:' .. queue end
local function record_key(queue) return prefix .. 'records:' .. queue end
local function queue_key(queue, part) return prefix .. 'q:' .. queue .. ':' .. part end

-- The retry policy of a queue as `put.lua` wrote it, '' when it has none.
local known_policies = {}
local function policy_of(queue)
    local policy = known_policies[queue]
    if not policy then
        policy = call('HGET', queue_key(queue, 'meta'), 'po') or ''
        known_policies[queue] = policy
    end
    return policy
end

-- The log of a subscription's attempts: how many succeeded and failed, u32 each, and a ring of the last fifty, 34 bytes
-- each, of which the one after so many attempts is written next. The notifier packs them (`AttemptEntry`), but for those
-- that nobody came back from.
local LOG_BYTES, ENTRY_BYTES, LAPSED = 50 * 34, 34, 11
local function log_key(subscription) return prefix .. 'log:' .. subscription end

-- Writes entries into the ring; returns the new counts.
local function write_log(subscription, counts, successes, failures, entries)
    local succeeded, failed = 0, 0
    if counts then succeeded, failed = struct.unpack('>I4I4', counts) end
    local at, from = (succeeded + failed) * ENTRY_BYTES % LOG_BYTES, 1
    while from <= #entries do
        local part = string.sub(entries, from, from + LOG_BYTES - at - 1)
        call('SETRANGE', log_key(subscription), at, part)
        from, at = from + #part, (at + #part) % LOG_BYTES
    end
    return struct.pack('>I4I4', succeeded + successes, failed + failures)
end

local known_projects = {}
local function project_of(queue)
    local project = known_projects[queue]
    if not project then
        local colon = string.find(queue, ':', 1, true)
        project = string.sub(queue, colon + 1, colon + tonumber(string.sub(queue, 1, colon - 1)))
        known_projects[queue] = project
    end
    return project
end

-- Redis looks at its memory limit at a script's first write only. A script that frees memory, or that has to go on at the
-- limit, begins with this one, which cannot grow.
local function begin_at_limit(flying)
    call('ZREM', flying, '')
end

-- Asks Redis for keys whose names come from what was read, all before the first write: where one of them cannot be
-- reached, as while a Cluster moves a slot, the script fails with nothing written.
local function touch(keys)
    for first = 1, #keys, 1000 do call('EXISTS', unpack(keys, first, math.min(first + 999, #keys))) end
end

-- The turn of a delivery is the number of its attempt, and `:level` while it is a suspect. It is the end of the names of
-- deliveries that wait or are leased, and can be tried for; `turns` knows those that are too many to try.
local TRIED_ATTEMPTS = 64
local function is_rare(turn)
    return string.find(turn, ':', 1, true) ~= nil or tonumber(turn) > TRIED_ATTEMPTS
end

-- What a call may lease, read from ARGV: in all, of each project, how many projects have a number of their own, then
-- project and number of each. Returns it, and the index behind it.
local function allowance_at(index)
    local allowance = { left = tonumber(ARGV[index]), most = tonumber(ARGV[index + 1]), of = {} }
    local last = index + 2 + 2 * tonumber(ARGV[index + 2])
    for at = index + 3, last, 2 do allowance.of[ARGV[at]] = tonumber(ARGV[at + 1]) end
    return allowance, last + 1
end

local function share_of(allowance, project)
    return allowance.of[project] or allowance.most
end

local function hand_out(allowance, project, count)
    allowance.left = allowance.left - count
    allowance.of[project] = share_of(allowance, project) - count
end

local function is_alive(header)
    return header and tonumber(string.sub(header, 1, 15)) > now
end

-- Forgets dead letters.
local function forget(queue, members)
    if #members == 0 then return end
    call('ZREM', dead_key(queue), unpack(members))
    call('HDEL', letter_key(queue), unpack(members))
    call('HDEL', record_key(queue), unpack(members))
end

-- Keeps a delivery that ended without success: its record, without the document of a confirmation, whose signature
-- nobody shall find there. Of a queue so many are kept, for so long, ms.
local LETTERS_MAX, LETTERS_LIFE = 10000, 1209600000
local function bury(pay, subscription, queue, position, attempts, reason, summary)
    local record = call('HGET', pay, position) or ''
    local kind = math.floor((string.byte(record, 5) or 0) / 16) % 8 * 16
    if kind > 0 then record = string.sub(record, 1, 13) end
    local member, dead = subscription .. '|' .. position, dead_key(queue)
    call('ZADD', dead, now, member)
    call('HSET', letter_key(queue), member, attempts .. ' ' .. kind .. ' ' .. reason .. ' ' .. summary)
    call('HSET', record_key(queue), member, record)
    forget(queue, call('ZRANGEBYSCORE', dead, '-inf', now - LETTERS_LIFE, 'LIMIT', 0, 100))
    local over = call('ZCARD', dead) - LETTERS_MAX
    if over > 0 then forget(queue, call('ZRANGE', dead, 0, over - 1)) end
    for _, key in ipairs({ dead, letter_key(queue), record_key(queue) }) do call('PEXPIRE', key, LETTERS_LIFE) end
end

-- Ends deliveries, given as position -> how many: the last one of a message takes the payload with it.
local function let_go(pay, ref, ended)
    local positions = {}
    for position in pairs(ended) do positions[#positions + 1] = position end
    if #positions == 0 then return end
    local lefts, over, counted = call('HMGET', ref, unpack(positions)), {}, {}
    for index, position in ipairs(positions) do
        if (tonumber(lefts[index]) or 1) > ended[position] then
            call('HINCRBY', ref, position, -ended[position])
        else
            over[#over + 1] = position
            if lefts[index] then counted[#counted + 1] = position end
        end
    end
    if #over > 0 then call('HDEL', pay, unpack(over)) end
    if #counted > 0 then call('HDEL', ref, unpack(counted)) end
end
