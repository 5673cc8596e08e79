internal import CHiredis
package import NIOCore

/// Turns the bytes Redis sends into values, with the reader of hiredis.
///
/// The only file that touches hiredis. It cannot be copied and is no `Sendable`: one handler on one event loop owns it,
/// and nothing of C leaves it. The reader takes arrays nested up to 7 deep; a deeper one is a ``BrokenReply``, and so
/// are the types of RESP3, which we never ask for.
package struct ReplyDecoder: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let replyBytesMax: Int

    package init(replyBytesMax: Int = RedisLimits.replyBytesMax) {
        guard let reader = redisReaderCreate() else { fatalError("out of memory") }
        // hiredis gives its buffer back to the system when more than this is unused, with every read under load if the
        // bound is its own 16 KiB.
        reader.pointee.maxbuf = bufferBytesKept
        self.reader = reader
        self.replyBytesMax = replyBytesMax
    }

    deinit {
        redisReaderFree(self.reader)
    }

    package mutating func feed(_ bytes: ByteBuffer) throws(BrokenReply) {
        let fed = bytes.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return REDIS_OK }
            return redisReaderFeed(self.reader, start.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard fed == REDIS_OK else { throw self.brokenReply() }
    }

    /// The next whole reply; nil when more bytes must be fed first.
    ///
    /// Once it has thrown, the stream is lost: the connection must be closed.
    package mutating func next() throws(BrokenReply) -> RedisValue? {
        var reply: UnsafeMutableRawPointer?
        guard redisReaderGetReply(self.reader, &reply) == REDIS_OK else { throw self.brokenReply() }
        guard let reply else {
            // What is left is the part of one reply that has come so far.
            guard self.reader.pointee.len <= self.replyBytesMax else {
                throw BrokenReply(reason: "a reply is longer than \(self.replyBytesMax) bytes")
            }
            return nil
        }
        defer { freeReplyObject(reply) }
        return try Self.value(of: reply.assumingMemoryBound(to: redisReply.self))
    }

    private func brokenReply() -> BrokenReply {
        let reason = withUnsafeBytes(of: &self.reader.pointee.errstr) { text in
            String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
        return BrokenReply(reason: reason)
    }

    private static func value(of reply: UnsafeMutablePointer<redisReply>) throws(BrokenReply) -> RedisValue {
        switch reply.pointee.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS:
            return .string([UInt8](self.bytes(of: reply)))
        case REDIS_REPLY_INTEGER:
            return .integer(reply.pointee.integer)
        case REDIS_REPLY_ERROR:
            return .error(RedisServerError(message: String(decoding: self.bytes(of: reply), as: UTF8.self)))
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.pointee.element, count: reply.pointee.elements)
            var values: [RedisValue] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try element.map(Self.value(of:)) ?? .null) }
            return .array(values)
        case REDIS_REPLY_NIL:
            return .null
        case let type:
            // hiredis 1.x reads RESP3 also where no HELLO 3 was sent.
            throw BrokenReply(reason: "a reply of type \(type), which is not of RESP2")
        }
    }

    private static func bytes(of reply: UnsafeMutablePointer<redisReply>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
    }
}

/// The bytes from Redis are no reply we can read.
package struct BrokenReply: Error, Equatable {
    package let reason: String
}

/// Two full reads of the socket.
private let bufferBytesKept = 128 << 10
