import Domain

/// The bytes a message is kept as; `message_post.lua` and `message_arrive.lua` write them.
///
/// ```
/// u32 ttl, s | u8 flags | 8 bytes mark of the client; flags 16, 32, 64: a confirmation, an unsubscribe confirmation, a test
///            | [u64 expires, ms: flag 128, sent again]
///            | [u64 created, ms | u64 expires, ms | 27 bytes id: flag 8, moved here from another queue, or NUL: posted here
///              while positions were ahead of the clock]
///            | [u32 delay, s: flag 1] | [16 bytes MD5: flag 2] | [way: flags 16 and 32, with a trace 64 too] | body, sealed: flag 4    big endian
/// way        | u8 hops | [16 bytes trace | 8 bytes span | u8 its flags]
/// ```
///
/// A record never changes. What does, the claim and the end of a life, lies beside it.
struct MessageRecord {
    static let checksumBytes = MessageDraft.checksumBytes

    let ttl: Int
    /// When its life ends, of one that was sent again, moved, or posted while positions were ahead of the clock; nil: its
    /// position and ttl say.
    let livesUntil: Timestamp?
    /// The id of a moved message; nil for one that was posted here.
    let originID: MessageID?
    private let statedCreation: Timestamp?
    let delay: Int?
    let checksum: [UInt8]?
    let provenance: Provenance
    let isSealed: Bool
    let kind: NotificationKind
    let body: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) throws(StoreError) {
        var rest = bytes[...]
        func take(_ count: Int) throws(StoreError) -> ArraySlice<UInt8> {
            guard rest.count >= count else { throw .corrupt("a message record of \(bytes.count) bytes") }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        self.ttl = Int(Self.number(try take(4)))
        let flags = Self.number(try take(1))
        _ = try take(8)
        let renewed = flags & Flag.renewed != 0 ? Timestamp(milliseconds: Self.number(try take(8))) : nil
        if flags & Flag.times != 0 {
            self.statedCreation = Timestamp(milliseconds: Self.number(try take(8)))
            let expires = Timestamp(milliseconds: Self.number(try take(8)))
            self.livesUntil = renewed ?? expires
            let id = try take(MessageID.positionCharacters + MessageID.tagCharacters)
            if id.allSatisfy({ $0 == 0 }) {
                self.originID = nil
            } else {
                self.originID = MessageID(String(decoding: id, as: UTF8.self))
                guard self.originID != nil else { throw .corrupt("a moved message has no id") }
            }
        } else {
            self.statedCreation = nil
            self.livesUntil = renewed
            self.originID = nil
        }
        self.delay = flags & Flag.delay != 0 ? Int(Self.number(try take(4))) : nil
        self.checksum = flags & Flag.checksum != 0 ? Array(try take(Self.checksumBytes)) : nil
        let way = flags & Flag.ofNoMessage
        if way == Flag.withHops || way == Flag.withTrace {
            let hops = Int(Self.number(try take(1)))
            let trace = way == Flag.withTrace ? TraceContext(bytes: try take(TraceContext.byteCount)) : nil
            self.provenance = Provenance(hops: hops, trace: trace)
        } else {
            self.provenance = .none
        }
        self.isSealed = flags & Flag.sealed != 0
        guard let kind = Flag.kind(flags) else { throw .corrupt("a message record of no known kind") }
        self.kind = kind
        self.body = rest
    }

    /// When the message was posted, by the clock.
    ///
    /// - Parameter position: Where it was posted, or moved to.
    func createdAt(at position: Position) -> Timestamp { self.statedCreation ?? position.createdAt }

    enum Flag {
        static let delay: Int64 = 1
        static let checksum: Int64 = 2
        static let sealed: Int64 = 4
        /// Times and an id follow.
        static let times: Int64 = 8
        static let confirmation: Int64 = 16
        static let withdrawal: Int64 = 32
        static let test: Int64 = 64
        static let renewed: Int64 = 128
        /// A message that came through other queues.
        static let withHops = Self.confirmation | Self.withdrawal
        /// A message that has a trace; format 1 has no such record.
        static let withTrace = Self.withHops | Self.test
        static let ofNoMessage = Self.confirmation | Self.withdrawal | Self.test

        /// Of a record that is no message; 0 for one that is.
        static func of(_ kind: NotificationKind) -> Int64 {
            switch kind {
            case .notification: 0
            case .subscriptionConfirmation: Self.confirmation
            case .unsubscribeConfirmation: Self.withdrawal
            case .test: Self.test
            }
        }

        /// - Returns: nil for a kind that no record has.
        static func kind(_ flags: Int64) -> NotificationKind? {
            let kind = flags & Self.ofNoMessage
            if kind == Self.withHops || kind == Self.withTrace { return .notification }
            return NotificationKind.allCases.first { Self.of($0) == kind }
        }
    }

    /// What a draft adds to the record: a byte of flags, the checksum and the way; nothing for the usual message.
    ///
    /// - Parameter withTrace: Whether a trace is part of the way.
    static func extras(of draft: MessageDraft, withTrace: Bool) -> [UInt8] {
        let (hops, trace) = (draft.provenance.hops, withTrace ? draft.provenance.trace : nil)
        let hasWay = hops > 0 || trace != nil
        guard draft.isSealed || draft.checksum != nil || hasWay else { return [] }
        let flags =
            (draft.isSealed ? Flag.sealed : 0) | (draft.checksum == nil ? 0 : Flag.checksum)
            | (trace != nil ? Flag.withTrace : hasWay ? Flag.withHops : 0)
        return [UInt8(flags)] + (draft.checksum ?? []) + (hasWay ? [UInt8(hops)] : []) + (trace?.bytes ?? [])
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        bytes.reduce(0) { $0 << 8 | Int64($1) }
    }
}
