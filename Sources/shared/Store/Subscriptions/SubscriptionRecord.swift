package import Domain
import Redis

/// What scripts look at of a subscription; `subscription_create.lua` writes it.
///
/// ```
/// expires, ms, 15 digits | confirmed, 0 or 1 | 1: its subscriber takes digests | 1 for ordered, and 2 more for a filter policy
///     | most starts in a second, 6 digits, 0 for no limit | digest: seconds, 5 digits, messages, 3, 0 for what the queue says;
///     without seconds, of a subscriber that takes none, most attempts under way, 0 for no limit | version, 6 digits
///     | key of the queue
/// ```
struct SubscriptionHeader {
    let expires: Timestamp
    let confirmed: Bool
    let version: Int
    let queue: QueueAddress

    init(_ bytes: [UInt8]) throws(StoreError) {
        guard bytes.count > Self.keyStart, let queue = QueueAddress(key: bytes[Self.keyStart...]) else {
            throw Self.unreadable
        }
        try self.init(bytes, of: queue)
    }

    /// - Parameter queue: What its key says.
    fileprivate init(_ bytes: [UInt8], of queue: QueueAddress) throws(StoreError) {
        guard bytes.count > Self.keyStart, let expires = Self.number(bytes[..<15]),
            let confirmed = Self.flag(bytes[15]), Self.flag(bytes[16]) != nil, Self.rules.contains(bytes[17]),
            Self.number(bytes[18..<24]) != nil, Self.number(bytes[24..<32]) != nil,
            let version = Self.number(bytes[32..<Self.keyStart])
        else { throw Self.unreadable }
        self.expires = Timestamp(milliseconds: expires)
        self.confirmed = confirmed
        self.version = Int(version)
        self.queue = queue
    }

    /// Where the key of the queue begins.
    fileprivate static let keyStart = 38
    private static let unreadable = StoreError.corrupt("the header of a subscription")
    private static let rules = UInt8(ascii: "0")...UInt8(ascii: "3")

    private static func flag(_ digit: UInt8) -> Bool? {
        switch digit {
        case UInt8(ascii: "0"): false
        case UInt8(ascii: "1"): true
        default: nil
        }
    }

    /// - Parameter digits: At most 15.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var number: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return number
    }
}

/// Reads headers of which many in a row name the same queue: its names are checked once.
struct SubscriptionHeaders {
    private var last: (key: ArraySlice<UInt8>, queue: QueueAddress)?

    /// - Returns: nil when it cannot be read.
    mutating func read(_ value: RedisValue) -> SubscriptionHeader? {
        guard let bytes = value.bytes, bytes.count > SubscriptionHeader.keyStart else { return nil }
        let key = bytes[SubscriptionHeader.keyStart...]
        if let last, last.key == key { return try? SubscriptionHeader(bytes, of: last.queue) }
        guard let header = try? SubscriptionHeader(bytes) else { return nil }
        self.last = (key, header.queue)
        return header
    }
}

/// The rest of a subscription; `subscription_create.lua` writes it.
///
/// ```
/// ttl, s | of a rotated secret, or once a link was sent, : version : end of the one before, ms, or -1 | once a link was
///     sent : latest expiry of one to this address, s : and of those to addresses before | space | bytes of the address
///     | space | address | options, JSON
/// ```
struct SubscriptionRecord {
    let ttl: Int
    let secret: SecretVersions
    let barredLinkExpiry: Int64
    let latestLinkExpiry: Int64
    let subscriber: String
    let options: [UInt8]

    init(_ bytes: [UInt8]) throws(StoreError) {
        let parts = bytes.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let life = Self.life(String(decoding: parts[0], as: UTF8.self)),
            let length = Int(String(decoding: parts[1], as: UTF8.self)), (0...parts[2].count).contains(length),
            let subscriber = String(validating: parts[2].prefix(length), as: UTF8.self)
        else { throw .corrupt("the record of a subscription") }
        self.ttl = life.ttl
        self.secret = life.secret
        self.barredLinkExpiry = life.barredLinkExpiry
        self.latestLinkExpiry = life.latestLinkExpiry
        self.subscriber = subscriber
        self.options = Array(parts[2].dropFirst(length))
    }

    /// Seconds from the epoch to the end of the year 9999: no subscription lives longer.
    private static let ttls = 0...Int64(253_402_300_799)

    private static func life(
        _ text: String
    ) -> (ttl: Int, secret: SecretVersions, latestLinkExpiry: Int64, barredLinkExpiry: Int64)? {
        let fields = text.split(separator: ":")
        let numbers = fields.compactMap { Int64($0) }
        guard numbers.count == fields.count, [1, 3, 5].contains(numbers.count), Self.ttls.contains(numbers[0]) else {
            return nil
        }
        var secret = SecretVersions.first
        if numbers.count > 1 {
            let until = numbers[2] < 0 ? nil : Timestamp(milliseconds: numbers[2])
            secret = SecretVersions(current: Int(numbers[1]), previousUntil: until)
        }
        return numbers.count == 5 ? (Int(numbers[0]), secret, numbers[3], numbers[4]) : (Int(numbers[0]), secret, 0, 0)
    }
}

extension QueueAddress {
    /// Reads ``key`` back.
    package init?(key: String) {
        self.init(key: Array(key.utf8)[...])
    }

    /// Reads ``key`` back.
    init?(key: ArraySlice<UInt8>) {
        guard let colon = key.firstIndex(of: UInt8(ascii: ":")),
            let length = Int(String(decoding: key[..<colon], as: UTF8.self)), length >= 0
        else { return nil }
        let rest = key[(colon + 1)...]
        let name = rest.dropFirst(length)
        guard rest.count > length, name.first == UInt8(ascii: ":"),
            // A name that no caller could have written is no key of ours, whatever is wrong with it.
            let project = try? ProjectID(String(validating: rest.prefix(length), as: UTF8.self)),
            let name = try? QueueName(String(decoding: name.dropFirst(), as: UTF8.self))
        else { return nil }
        self.init(project: project, name: name)
    }
}

extension Subscription {
    init(id: SubscriptionID, header: [UInt8], record: [UInt8], now: Timestamp) throws(StoreError) {
        let header = try SubscriptionHeader(header)
        let record = try SubscriptionRecord(record)
        self.init(
            id: id, queue: header.queue.name, subscriber: record.subscriber, ttl: record.ttl,
            age: now.wholeSeconds(since: header.expires.adding(seconds: -record.ttl)), options: record.options,
            confirmed: header.confirmed, version: header.version, secret: record.secret,
            barredLinkExpiry: record.barredLinkExpiry, isAsked: record.latestLinkExpiry > record.barredLinkExpiry)
    }
}

extension Pace {
    /// As the header of a subscription has it.
    var field: String {
        String((self.isOrdered ? 1 : 0) + (self.isFiltered ? 2 : 0))
            + CalendarTime.digits(Int64(self.maxPerSecond ?? 0), 6)
            + (self.digest?.field ?? Digest.noSeconds + CalendarTime.digits(Int64(self.inFlightMax ?? 0), 3))
    }
}

extension Digest {
    /// As headers of subscriptions and the hash of a queue have it.
    var field: String { CalendarTime.digits(Int64(self.seconds), 5) + CalendarTime.digits(Int64(self.messages), 3) }

    /// ``seconds`` of a subscription without a digest of its own.
    static let noSeconds = String(repeating: "0", count: 5)
}
