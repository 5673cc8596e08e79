import Domain

/// The log of a subscription's attempts as Redis has it: two counts, and the last ``attemptsMax`` attempts.
///
/// ```
/// counts: u32 succeeded | u32 failed
/// ring:   entry …, the one of attempt n at place (n - 1) mod 50
/// entry:  u48 start, ms | u64 position | u16 attempt | u16 end | u8 flags | u24 dns | u24 connect | u24 tls
///         | u24 first byte | u24 total, ms                                                   34 bytes, big endian
/// ```
/// An end of 100 and more is the status of an answer; below it is one of ``AttemptEntry/ends``. Flags: 1 success, 14 the
/// kind of address, 112 the kind of notification, 128 sent again over a fresh connection. `lib_delivery.lua` writes the ring, `delivery_reap.lua` packs one kind of entry.
extension AttemptLog {
    /// As `lib_delivery.lua` has it.
    static let attemptsMax = 50

    /// - Parameter counts: Empty for a subscription that was not attempted yet.
    init(counts: [UInt8], ring: [UInt8]) throws(StoreError) {
        guard !counts.isEmpty else {
            self.init(succeeded: 0, failed: 0, attempts: [])
            return
        }
        var fields = PackedNumbers(counts[...])
        let succeeded = try fields.next(4)
        let failed = try fields.next(4)
        let made = succeeded + failed
        var attempts: [LoggedAttempt] = []
        for number in (max(0, made - Self.attemptsMax)..<made).reversed() {
            let start = number % Self.attemptsMax * AttemptEntry.length
            var entry = PackedNumbers(ring.dropFirst(start).prefix(AttemptEntry.length))
            attempts.append(try AttemptEntry.read(&entry, number: number + 1))
        }
        self.init(succeeded: succeeded, failed: failed, attempts: attempts)
    }
}

/// The packed form of one attempt.
enum AttemptEntry {
    static let length = 34

    /// The ends that are no status; the code of each is its place, from 1.
    ///
    /// Frozen: stored logs say them.
    static let ends: [AttemptReport.End] = [
        .unreachable(.resolve), .unreachable(.connect), .unreachable(.tls), .unreachable(.timeout),
        .unreachable(.closed), .unreachable(.malformed), .unreachable(.tooLarge), .unreachable(.sealed),
        .unreachable(.other), .forbidden, .lapsed, .unreachable(.trust),
    ]
    /// Frozen likewise; 0 stands for none.
    private static let addresses: [AddressClass] = [.public, .private, .loopback, .linkLocal, .multicast, .reserved]
    private static let kinds: [NotificationKind] = [
        .notification, .subscriptionConfirmation, .unsubscribeConfirmation, .test,
    ]

    static func bytes(of report: AttemptReport, _ token: LeaseToken) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.length)
        func add(_ value: Int, _ width: Int) {
            let value = min(max(value, 0), 1 << (8 * min(width, 7)) - 1)
            withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0.suffix(width)) }
        }
        add(Int(report.startedAt.milliseconds), 6)
        add(Int(token.position.value), 8)
        add(token.attempt, 2)
        switch report.end {
        case .answered(let code): add(code, 2)
        case .unreachable, .forbidden, .lapsed: add((Self.ends.firstIndex(of: report.end) ?? 8) + 1, 2)
        }
        let exchange = report.exchange
        let address = exchange.address.flatMap { Self.addresses.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
        let kind = Self.kinds.firstIndex(of: report.kind) ?? 0
        add((report.isSuccess ? 1 : 0) | address << 1 | kind << 4 | (exchange.reconnected ? 128 : 0), 1)
        for phase in [exchange.dns, exchange.connect, exchange.tls, exchange.firstByte, exchange.total] {
            add(phase, 3)
        }
        return bytes
    }

    static func read(_ fields: inout PackedNumbers, number: Int) throws(StoreError) -> LoggedAttempt {
        let start = Timestamp(milliseconds: Int64(try fields.next(6)))
        let position = Position(Int64(try fields.next(8)))
        let attempt = try fields.next(2)
        let (code, flags) = (try fields.next(2), try fields.next(1))
        let (address, kind) = (flags >> 1 & 7, flags >> 4 & 7)
        guard code >= 100 || (1...Self.ends.count).contains(code), address <= Self.addresses.count,
            Self.kinds.indices.contains(kind)
        else { throw .corrupt("the log of a subscription's attempts") }
        var exchange = Exchange()
        exchange.dns = try fields.next(3)
        exchange.connect = try fields.next(3)
        exchange.tls = try fields.next(3)
        exchange.firstByte = try fields.next(3)
        exchange.total = try fields.next(3)
        exchange.address = address == 0 ? nil : Self.addresses[address - 1]
        exchange.reconnected = flags & 128 != 0
        return LoggedAttempt(
            number: number, position: position, attempt: attempt,
            report: AttemptReport(
                startedAt: start, kind: Self.kinds[kind],
                end: code >= 100 ? .answered(code: code) : Self.ends[code - 1], isSuccess: flags & 1 == 1,
                exchange: exchange))
    }
}

/// Reads numbers that lie one behind the other, big endian.
struct PackedNumbers {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.rest = bytes
    }

    mutating func next(_ width: Int) throws(StoreError) -> Int {
        guard self.rest.count >= width else { throw .corrupt("the log of a subscription's attempts") }
        defer { self.rest = self.rest.dropFirst(width) }
        return self.rest.prefix(width).reduce(0) { $0 << 8 | Int($1) }
    }
}
