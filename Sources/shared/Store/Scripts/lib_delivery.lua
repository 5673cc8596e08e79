-- lib_delivery.lua: what the delivery scripts share; it stands behind lib_record.lua and lib_header.lua and in front of each of them.
-- KEYS    none of its own
-- ARGV    1 now   2 prefix of the shard's keys
-- RETURNS nothing: it defines the names below
-- COST    under a microsecond
-- Keys that are named for a subscription, project or queue. `KeySpace.swift` puts the words of keys, which it alone spells, in
-- place of KEYS_… and PART_… .
local prefix = ARGV[2]
local function due_key(subscription) return prefix .. KEYS_DUE .. subscription end
local function ready_key(project) return prefix .. KEYS_READY_SUBSCRIPTIONS .. project end
local function order_key(queue) return prefix .. KEYS_SUBSCRIPTION_ORDER .. queue end
local function address_key(queue) return prefix .. KEYS_SUBSCRIBER_ADDRESSES .. queue end
local function dead_key(queue) return prefix .. KEYS_DEAD_LETTERS .. queue end
local function entry_key(queue) return prefix .. KEYS_DEAD_LETTER_ENTRIES .. queue end
local function record_key(queue) return prefix .. KEYS_DEAD_LETTER_RECORDS .. queue end
local function events_key(queue) return prefix .. KEYS_EVENTS .. queue end
local function fanout_key(project) return prefix .. KEYS_FANOUT_QUEUES .. project end
local function dead_bytes_key(project) return prefix .. KEYS_DEAD_LETTER_BYTES .. project end
local function dead_oldest_key(project) return prefix .. KEYS_DEAD_LETTER_OLDEST .. project end
local function queue_key(queue, part) return prefix .. KEYS_QUEUE .. queue .. part end

-- What `queue_create.lua` wrote of a queue: its retry policy, and how it has messages collected; each '' when it has none.
local known_queues = {}
local function rules_of(queue)
    local rules = known_queues[queue]
    if not rules then
        rules = call('HMGET', queue_key(queue, PART_META), 'retry-policy', 'digest')
        known_queues[queue] = rules
    end
    return rules
end
local function policy_of(queue) return rules_of(queue)[1] or '' end
local function queue_digest(queue) return rules_of(queue)[2] or '' end

-- The log of a subscription's attempts: how many succeeded and failed, u32 each, and a ring of the last fifty, 34 bytes
-- each, of which the one after so many attempts is written next. The notifier packs them (`AttemptEntry`), but for those
-- whose notifier ended.
-- An entry begins with: u48 when, ms | u64 position | u16 attempt | u16 status | u8 end of the attempt.
local LOG_COUNTS, LOG_ENTRY, LOG_POSITION, LOG_POSITION_FROM, LOG_POSITION_TO = '>I4I4', '>I6I8I2I2B', '>I8', 7, 14
local LOG_ENTRIES, LOG_BYTES, ENTRY_BYTES, LAPSED = 50, 50 * 34, 34, 11
local function log_key(subscription) return prefix .. KEYS_ATTEMPT_LOG .. subscription end

-- Writes entries into the ring; returns the new counts.
local function write_log(subscription, counts, successes, failures, entries)
    local succeeded, failed = 0, 0
    if counts then succeeded, failed = struct.unpack(LOG_COUNTS, counts) end
    local at, from = (succeeded + failed) * ENTRY_BYTES % LOG_BYTES, 1
    while from <= #entries do
        local part = string.sub(entries, from, from + LOG_BYTES - at - 1)
        call('SETRANGE', log_key(subscription), at, part)
        from, at = from + #part, (at + #part) % LOG_BYTES
    end
    return struct.pack(LOG_COUNTS, succeeded + successes, failed + failures)
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

-- Whether the bytes of one text come before those of another; `<` goes by the locale of Redis.
local function is_before(one, other)
    for index = 1, math.min(#one, #other) do
        local first, second = string.byte(one, index), string.byte(other, index)
        if first ~= second then return first < second end
    end
    return #one < #other
end

-- How many members come no later than one of that score, which need not be there any more.
local function rank_behind(key, score, member)
    local low = call('ZCOUNT', key, '-inf', '(' .. score)
    local high = low + call('ZCOUNT', key, score, score)
    while low < high do
        local middle = math.floor((low + high) / 2)
        local found = call('ZRANGE', key, middle, middle)[1]
        if not found or is_before(member, found) then high = middle else low = middle + 1 end
    end
    return low
end

-- Writes down leases, as ZADD takes them. Redis keeps up to 128 short members in a list that it searches from its start, for
-- each of them; a member that is too long for such a list turns it into a skip list, which it stays until it is empty.
local function add_leases(flying, leases)
    local leases_of_a_list, too_long = 16, 65
    local is_new = #leases > 2 * leases_of_a_list and call('EXISTS', flying) == 0
    local long = is_new and string.rep('-', too_long)
    if is_new then call('ZADD', flying, 0, long) end
    in_chunks('ZADD', flying, leases)
    if is_new then call('ZREM', flying, long) end
end

-- The turn of a delivery is the number of its attempt, and `:level` while it is a suspect. It is the end of the names of
-- deliveries that wait or are leased, and can be tried for; `turns` knows those that are too many to try. Above the number
-- of the attempt it counts fences: a delivery that is to have another name than its leases before, and the attempts that
-- it had or is given anew, has one fence more.
local TRIED_ATTEMPTS, FENCE = 64, 1000000
local function is_rare(turn)
    if turn == '1' then return false end
    return string.find(turn, ':', 1, true) ~= nil or tonumber(turn) > TRIED_ATTEMPTS
end

-- The turn behind the next fence, for that attempt. After a million fences they begin anew.
local function fenced(turn, attempt)
    return (math.floor(turn / FENCE) + 1) % FENCE * FENCE + attempt
end

-- What a call may lease, read from ARGV: in all, of each project, how many projects have a number of their own, then
-- project and number of each. Returns it, and the index behind it.
local function allowance_at(index)
    local allowance = { left = tonumber(ARGV[index]), most = tonumber(ARGV[index + 1]), of = {}, used = {} }
    local last = index + 2 + 2 * tonumber(ARGV[index + 2])
    for at = index + 3, last, 2 do allowance.of[ARGV[at]] = tonumber(ARGV[at + 1]) end
    return allowance, last + 1
end

-- What a project may have, and what of it is left.
local function granted_to(allowance, project)
    return allowance.of[project] or allowance.most
end

local function share_of(allowance, project)
    return granted_to(allowance, project) - (allowance.used[project] or 0)
end

local function hand_out(allowance, project, count)
    allowance.left = allowance.left - count
    allowance.used[project] = (allowance.used[project] or 0) + count
end

-- Whether Redis is at its memory limit; to be asked before the first write. It refuses what may grow, and changes nothing.
local function is_full(projects)
    local answer = redis.pcall('ZADD', projects, 'XX', 0, '')
    return type(answer) == 'table' and answer.err ~= nil and string.find(answer.err, 'OOM', 1, true) ~= nil
end

-- What a deployment allows, from ARGV[3] of the scripts that ask: dead letters of a queue, bytes of them, bytes of those
-- of a project, deliveries of a subscription that wait, and of a project, and 1 where what waits for a subscription that ends is kept.
local known_limits
local function limit(name)
    if not known_limits then
        known_limits = {}
        local names, index = { 'dead_letters', 'dead_letter_bytes', 'project_bytes', 'waiting', 'project_waiting', 'keeps_ended' }, 0
        for number in string.gmatch(ARGV[3], '%d+') do
            index = index + 1
            known_limits[names[index]] = tonumber(number)
        end
    end
    return known_limits[name]
end

-- When the sweep is to look at a subscription of which something waits anew, ms from now.
local EXPIRY_LOOK = 10000

-- How many deliveries of a project wait.
local function count_waiting(waiting, project, change)
    if change ~= 0 and call('HINCRBY', waiting, project, change) <= 0 then call('HDEL', waiting, project) end
end

-- What holds a subscription back until something else happens than that time passes, from its pacing: it is disabled or paused, or
-- its breaker is open, also while it is probed. nil of one that is served.
local function hold_of(pacing)
    if not pacing or not string.find(pacing, ' [xpb]%d') then return nil end
    return string.find(pacing, ' x%d') and 'disabled' or string.find(pacing, ' p%d') and 'paused' or 'breaker'
end

-- Brings what is counted of subscriptions with a hold in line with one of them: by its name, how many of its deliveries wait,
-- and under '' the sum. It has that hold from now on, nil for none, or true for the one that was counted. To be called after
-- the pacing of such a subscription was written, or what waits for it; of one without a hold it changes nothing.
local function count_held(subscription, hold)
    for _, each in ipairs({ 'disabled', 'paused', 'breaker' }) do
        local key = prefix .. KEYS_HELD_SUBSCRIPTIONS .. each
        local before, waits = call('HGET', key, subscription), nil
        if hold == each or (hold == true and before) then
            waits = call('ZCARD', due_key(subscription))
            call('HSET', key, subscription, waits)
        elseif before then
            call('HDEL', key, subscription)
        end
        local change = (waits or 0) - (tonumber(before) or 0)
        if change ~= 0 and call('HINCRBY', key, '', change) <= 0 then call('HDEL', key, '') end
    end
end

-- The kind of what is no message, from its record; 0 of a message, also of one with its way, and of '' for a record that is gone.
local function kind_of(record)
    local kind = math.floor((string.byte(record, RECORD_FLAGS_AT) or 0) / 16) % 8 * 16
    return (kind == 48 or kind == 112) and 0 or kind
end

-- When the life of a message ends, from its record; and its kind.
local function end_of(record, position)
    local _, ends = message_life(position, record)
    return ends, kind_of(record)
end

-- Dead letters of a queue: what is kept of each, by its delivery, with the number of its last turn for that of its attempts; the record of a message once for all of its dead letters,
-- under its position, and under `n<position>` how many these are; under `bytes` what all of it takes. They end after so
-- long, ms. What deals with them is made when it is needed, which is seldom.
local DEAD_LETTER_TTL, NO_BODY = 1209600000, 128
local known_dead_letters
local function dead_letters()
    if known_dead_letters then return known_dead_letters end

    -- Brings the bytes of a project's dead letters in line with those of one of its queues.
    local function account(queue)
        local project = project_of(queue)
        local sums, bytes = dead_bytes_key(project), tonumber(call('HGET', record_key(queue), 'bytes') or 0)
        local change = bytes - tonumber(call('HGET', sums, queue) or 0)
        if bytes > 0 then call('HSET', sums, queue, bytes) else call('HDEL', sums, queue) end
        if change ~= 0 and call('HINCRBY', sums, '', change) <= 0 then call('HDEL', sums, '') end
        local first = call('ZRANGE', dead_key(queue), 0, 0, 'WITHSCORES')
        if first[2] then
            call('ZADD', dead_oldest_key(project), first[2], queue)
        else
            call('ZREM', dead_oldest_key(project), queue)
        end
    end

    -- Removes dead letters, at most 200; `account` has to follow.
    local function forget(queue, members)
        if #members == 0 then return end
        local records, freed, gone = record_key(queue), 0, {}
        for index, entry in ipairs(call('HMGET', entry_key(queue), unpack(members))) do
            if entry then
                freed = freed + #members[index] + #entry
                if tonumber(string.match(entry, '^%d+ (%d+)')) < NO_BODY then
                    local position = string.match(members[index], '%d+$')
                    if call('HINCRBY', records, 'n' .. position, -1) <= 0 then
                        freed = freed + call('HSTRLEN', records, position)
                        gone[#gone + 1] = position
                        gone[#gone + 1] = 'n' .. position
                    end
                end
            end
        end
        call('ZREM', dead_key(queue), unpack(members))
        call('HDEL', entry_key(queue), unpack(members))
        if #gone > 0 then call('HDEL', records, unpack(gone)) end
        if freed > 0 and call('HINCRBY', records, 'bytes', -freed) <= 0 then call('HDEL', records, 'bytes') end
    end

    local function forget_ended(queue)
        forget(queue, call('ZRANGEBYSCORE', dead_key(queue), '-inf', now - DEAD_LETTER_TTL, 'LIMIT', 0, 100))
    end

    -- Whether a dead letter without a body still fits in the bounds of its queue and project. It takes the place of no other:
    -- those it would drop may have bodies.
    local touched_queues, spaces = {}, {}
    local function has_space(queue, size)
        local space = spaces[queue]
        if not space then
            touched_queues[queue] = true
            forget_ended(queue)
            local of_queue = limit('dead_letter_bytes') - tonumber(call('HGET', record_key(queue), 'bytes') or 0)
            local of_project = limit('project_bytes') - tonumber(call('HGET', dead_bytes_key(project_of(queue)), '') or 0)
            space = { count = limit('dead_letters') - call('ZCARD', dead_key(queue)), bytes = math.min(of_queue, of_project) }
            spaces[queue] = space
        end
        if space.count < 1 or space.bytes < size then return false end
        space.count, space.bytes = space.count - 1, space.bytes - size
        return true
    end

    -- Keeps a delivery that ended without success. Of a confirmation only the head of its record, so that no signature
    -- is stored. Without a record it is kept without a body, unless other dead letters keep that already, and only where
    -- it fits; so is one of a queue or project with more bytes than it may have, where small ones are dropped first
    -- and each call drops few.
    local function keep_dead_letter(subscription, queue, position, attempts, kind, reason, summary, record)
        local member, records = subscription .. '|' .. position, record_key(queue)
        local bytes = 0
        if tonumber(call('HGET', records, 'bytes') or 0) > limit('dead_letter_bytes')
            or tonumber(call('HGET', dead_bytes_key(project_of(queue)), '') or 0) > limit('project_bytes') then
            record = nil
        end
        if not record and not has_space(queue, #member + #summary + 32) then return end
        if call('HEXISTS', records, position) == 1 then
            call('HINCRBY', records, 'n' .. position, 1)
        elseif record then
            if kind > 0 then
                record = string.sub(record, 1, RECORD_TTL_TO) .. string.char(kind)
                    .. string.sub(record, RECORD_MARK_FROM, RECORD_MARK_TO)
            end
            call('HSET', records, position, record, 'n' .. position, 1)
            bytes = #record
        else
            kind = kind + NO_BODY
        end
        local entry = attempts .. ' ' .. kind .. ' ' .. reason .. ' ' .. summary
        call('ZADD', dead_key(queue), now, member)
        call('HSET', entry_key(queue), member, entry)
        call('HINCRBY', records, 'bytes', bytes + #member + #entry)
        touched_queues[queue] = true
    end

    -- Keeps a delivery of a subscription whose time was over, and returns whether it did. Of one that a caller ended nothing is
    -- kept, and nothing of what is no message. `record` as it is known: without one it counts as a message.
    local function keep_ended(subscription, header, position, attempts, record)
        if not header or tonumber(string.sub(header, 1, HEADER_EXPIRES_TO)) == 0 or kind_of(record or '') > 0
            or limit('keeps_ended') == 0 then
            return false
        end
        keep_dead_letter(subscription, queue_of(header), position, attempts, 0, 'subscription_ended', 'the subscription ended')
        return true
    end

    -- Holds the dead letters of the queues that got some within their bounds: the oldest go first, of a queue at most
    -- 1,000 and of a project at most 50 a call. Where the queue with the oldest ones has none younger than their life, they
    -- are removed, also from the sums. Returns how many were dropped before their time.
    local function trim_dead_letters()
        local dropped = 0
        for queue in pairs(touched_queues) do
            local dead, entries, records = dead_key(queue), entry_key(queue), record_key(queue)
            forget_ended(queue)
            for _ = 1, 50 do
                local over = math.min(20, call('ZCARD', dead) - limit('dead_letters'))
                if over <= 0 and tonumber(call('HGET', records, 'bytes') or 0) > limit('dead_letter_bytes') then over = 1 end
                if over <= 0 then break end
                local oldest = call('ZRANGE', dead, 0, over - 1)
                if #oldest == 0 then break end
                forget(queue, oldest)
                dropped = dropped + #oldest
            end
            account(queue)
            for _, key in ipairs({ dead, entries, records }) do call('PEXPIRE', key, DEAD_LETTER_TTL) end
            local project = project_of(queue)
            local sums, oldest_of = dead_bytes_key(project), dead_oldest_key(project)
            local ended = call('ZRANGEBYSCORE', oldest_of, '-inf', now - DEAD_LETTER_TTL, 'LIMIT', 0, 1)[1]
            if ended then
                forget_ended(ended)
                account(ended)
            end
            for _ = 1, 50 do
                if tonumber(call('HGET', sums, '') or 0) <= limit('project_bytes') then break end
                local other = call('ZRANGE', oldest_of, 0, 0)[1]
                if not other then break end
                local oldest = call('ZRANGE', dead_key(other), 0, 0)
                forget(other, oldest)
                dropped = dropped + #oldest
                account(other)
            end
            call('PEXPIRE', sums, DEAD_LETTER_TTL)
            call('PEXPIRE', oldest_of, DEAD_LETTER_TTL)
        end
        return dropped
    end

    known_dead_letters = { account = account, forget = forget, keep = keep_dead_letter, keep_ended = keep_ended, trim = trim_dead_letters }
    return known_dead_letters
end

-- Ends deliveries, given as position -> how many: the last one of a message takes the payload with it.
local function end_deliveries(pay, ref, lives, ended)
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
    if #over > 0 then
        call('HDEL', pay, unpack(over))
        call('ZREM', lives, unpack(over))
    end
    if #counted > 0 then call('HDEL', ref, unpack(counted)) end
end
