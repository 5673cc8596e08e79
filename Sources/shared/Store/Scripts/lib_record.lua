-- lib_record.lua: how messages and events are laid out; it stands behind lib_common.lua in front of what reads or writes them.
-- KEYS    none
-- ARGV    1 now
-- RETURNS nothing: it defines the names below
-- COST    under a microsecond
--
-- Record, big endian:
--   u32 ttl, s | u8 flags | 8 bytes mark of the client | [renewal] | [times] | [u32 delay, s] | [16 bytes MD5] | [way] | body
--   flags    1 delay   2 MD5   4 the body is sealed   8 times   16, 32, 64 kind of what is no message; 16 and 32 a message with
--            hops, 64 too one with hops and a trace   128 renewal
--   way      u8 how many queues it came through | [16 bytes trace | 8 bytes span | u8 flags of it]
--   renewal  u64 expires, ms: the message was sent again
--   times    u64 created, ms | u64 expires, ms | 27 bytes of an id, NUL: the message has the id of its position
-- Event: u64 position of its first message | per message: u32 bytes, record
-- Open run of a queue: u64 first position of the open block | u32 messages in it | mark of their client | mark of the block
--                      before
local RECORD_HEAD, RECORD_DELAY, RECORD_TTL_TO, RECORD_FLAGS_AT, RECORD_MARK_FROM, RECORD_MARK_TO = '>I4B', '>I4', 4, 5, 6, 13
local RECORD_REST_FROM, RECORD_RENEWAL, RECORD_RENEWAL_BYTES, RECORD_TIMES, RECORD_TIMES_BYTES = 14, '>I8', 8, '>I8I8', 43
local RECORD_ID_BYTES, IS_TIMED, IS_RENEWED = 27, 8, 128
local EVENT_HEAD, EVENT_LENGTH = '>I8', '>I4'
local RUN_HEAD, RUN_MARK_FROM, RUN_MARK_TO, RUN_BEFORE_FROM = '>I8I4', 13, 20, 21

-- What a new record says of its own life: a flag and the bytes it stands for, 0 and '' when the position says it all.
-- Order comes from positions, life from the clock: positions run ahead of it after the clock was once ahead, or after
-- more than 2,048 in one millisecond.
local function times_of(position, ttl)
    if math.floor(position / 2048) <= now then return 0, '' end
    return IS_TIMED, struct.pack(RECORD_TIMES, now, now + ttl * 1000) .. string.rep('\0', RECORD_ID_BYTES)
end

-- When the life of a record began and when it ends, ms; a claim that prolonged it is not in the record.
local function message_life(position, record)
    local ttl, flags = struct.unpack(RECORD_HEAD, record)
    local created, from, renewed = math.floor(position / 2048), RECORD_REST_FROM, nil
    local expires = created + ttl * 1000
    if flags < IS_TIMED then return created, expires end
    if flags >= IS_RENEWED then renewed, from = struct.unpack(RECORD_RENEWAL, record, from) end
    if flags % (2 * IS_TIMED) >= IS_TIMED then created, expires = struct.unpack(RECORD_TIMES, record, from) end
    return created, renewed or expires
end
