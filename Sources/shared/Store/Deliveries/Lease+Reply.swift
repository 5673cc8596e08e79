import Domain
import Redis

extension Taken {
    /// What is no row of ours at all is an error of the call; one that cannot be read is left out, and counted.
    init(_ reply: consuming ReplyReader) throws(StoreError) {
        var reply = reply
        _ = try reply.timestamp()
        let leaseEnd = try reply.timestamp()
        let left = try reply.int()
        self.more = left & 1 != 0
        self.isPaced = left & 2 != 0
        self.overflowed = try reply.int()
        self.droppedDeadLetters = try reply.int()
        self.keptOfEnded = try reply.int()
        var questions = try reply.reader()
        var undecided: [UndecidedEvent] = []
        while !questions.isAtEnd {
            if let event = try UndecidedEvent(&questions) { undecided.append(event) }
        }
        self.undecided = undecided
        var leases: [Lease] = []
        var unreadable = UnreadableRows()
        while !reply.isAtEnd {
            let first = try? reply.position()
            let policy = PolicyRow(try reply.next())
            var records = try reply.reader()
            var messages: [MessageRecord?] = []
            while !records.isAtEnd { messages.append(try records.next().bytes.flatMap { try? MessageRecord($0) }) }
            var rows = try reply.reader()
            var headers = SubscriptionHeaders()
            while !rows.isAtEnd {
                let (subscription, header) = (try rows.next(), headers.read(try rows.next()))
                let number = try rows.next().int ?? 0
                var token: LeaseToken?
                if let first, (1...max(1, messages.count)).contains(number),
                    let subscription = subscription.text.flatMap({ SubscriptionID($0) })
                {
                    token = LeaseToken(
                        subscription: subscription, position: first.advanced(by: number - 1), attempt: 1, fences: 0,
                        suspicion: 0, leasedUntil: leaseEnd)
                }
                let message = number >= 1 && number <= messages.count ? messages[number - 1] : nil
                guard let token, let header, let message, case .read(let policy) = policy else {
                    unreadable.add(token, header)
                    continue
                }
                leases.append(Lease(token, header, message, policy))
            }
        }
        self.leases = leases
        self.unreadable = unreadable
    }
}

extension UndecidedEvent {
    /// nil for a queue whose name this version cannot read: a newer one goes on with it.
    fileprivate init?(_ reply: inout ReplyReader) throws(StoreError) {
        let queue = QueueAddress(key: try reply.text())
        let first = try reply.text()
        var records = try reply.reader()
        var messages: [Message?] = []
        while !records.isAtEnd {
            let record = try records.next().bytes.flatMap { try? MessageRecord($0) }
            messages.append(record.map { Message(body: $0.body, isSealed: $0.isSealed) })
        }
        var rows = try reply.reader()
        var keys: [String] = []
        while !rows.isAtEnd { keys.append(try rows.text()) }
        guard let queue else { return nil }
        self.init(queue: queue, first: first, messages: messages, keys: keys)
    }
}

extension Lease {
    /// A larger number in Redis is not ours: fences begin anew before it.
    fileprivate static let turnMax = LeaseToken.fence * LeaseToken.fence

    init(
        _ token: LeaseToken, _ header: SubscriptionHeader, _ record: MessageRecord, _ policy: RetryPolicy?,
        isCollected: Bool = false
    ) {
        self.init(
            token: token, queue: header.queue, version: header.version, ttl: record.ttl,
            expiresAt: record.livesUntil ?? token.position.createdAt.adding(seconds: record.ttl), delay: record.delay,
            checksum: record.checksum, isSealed: record.isSealed, provenance: record.provenance, kind: record.kind,
            body: record.body,
            queuePolicy: policy, isCollected: isCollected)
    }
}

extension Leased {
    /// What is no row of ours at all is an error of the call; one that cannot be read is left out, and counted.
    init(_ reply: consuming ReplyReader) throws(StoreError) {
        var reply = reply
        let now = try reply.timestamp()
        let leaseEnd = try reply.timestamp()
        self.nextDue = try reply.timestampIfAny()
        self.more = self.nextDue.map { $0 <= now } ?? false
        var leases: [Lease] = []
        var unreadable = UnreadableRows()
        var headers = SubscriptionHeaders()
        // A message comes with the first of its leases; by its position, as their members spell it.
        var messages: [ArraySlice<UInt8>: MessageRecord] = [:]
        while !reply.isAtEnd {
            let subscription = try reply.next().text.flatMap { SubscriptionID($0) }
            let header = headers.read(try reply.next())
            let policy = PolicyRow(try reply.next())
            let isDigest = try reply.int() == 1
            var rows = try reply.reader()
            // Questions and tests go out by themselves.
            var follows = false
            while !rows.isAtEnd {
                let (member, record) = (try rows.next().bytes, try rows.next().bytes)
                let token = subscription.flatMap { subscription in
                    member.flatMap { LeaseToken($0, of: subscription, until: leaseEnd) }
                }
                let position = (member ?? []).prefix { $0 != UInt8(ascii: ":") }
                if let record, !record.isEmpty { messages[position] = try? MessageRecord(record) }
                guard let token, let header, case .read(let policy) = policy, let message = messages[position] else {
                    unreadable.add(token, header)
                    continue
                }
                let isMessage = isDigest && message.kind == .notification
                leases.append(Lease(token, header, message, policy, isCollected: isMessage && follows))
                follows = isMessage
            }
        }
        self.leases = leases
        self.unreadable = unreadable
    }
}

extension LeaseToken {
    /// - Parameter member: `position:attempt`, and `:level` of a suspect.
    fileprivate init?(_ member: [UInt8], of subscription: SubscriptionID, until end: Timestamp) {
        var numbers: [Int64] = []
        var digits = 0
        for byte in member + [UInt8(ascii: ":")] {
            if byte == UInt8(ascii: ":") {
                guard digits > 0 else { return nil }
                digits = 0
            } else {
                // No number of ours has more than these.
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte), digits < 16 else { return nil }
                if digits == 0 { numbers.append(0) }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int64(byte - UInt8(ascii: "0"))
                digits += 1
            }
        }
        guard (2...3).contains(numbers.count), (1..<ReplyReader.end).contains(numbers[0]),
            (1..<Int64(Lease.turnMax)).contains(numbers[1]), numbers[1] % Int64(Self.fence) > 0
        else { return nil }
        let turn = Int(numbers[1])
        self.init(
            subscription: subscription, position: Position(numbers[0]), attempt: turn % Self.fence,
            fences: turn / Self.fence, suspicion: numbers.count == 3 ? Int(numbers[2]) : 0, leasedUntil: end)
    }
}

/// The retry policy of a queue, if it could be read.
private enum PolicyRow {
    case read(RetryPolicy?)
    case unreadable

    init(_ value: RedisValue) {
        guard let text = value.text else {
            self = .unreadable
            return
        }
        do { self = .read(try RetryPolicy(record: text)) } catch { self = .unreadable }
    }
}

extension UnreadableRows {
    fileprivate mutating func add(_ token: LeaseToken?, _ header: SubscriptionHeader?) {
        self.count += 1
        if let token, let header { self.leases.append(Lease(token: token, queue: header.queue)) }
    }
}

extension Settled {
    init(_ reply: consuming ReplyReader, _ count: Int) throws(StoreError) {
        var reply = reply
        var answers = try reply.reader()
        var written: [Bool] = []
        for _ in 0..<count { written.append(try answers.int() == 1) }
        self.written = written
        self.droppedDeadLetters = try reply.int()
        self.keptOfEnded = try reply.int()
        var changes = try reply.reader()
        var held: [Held] = []
        while !changes.isAtEnd {
            let subscription = try changes.subscriptionID()
            guard let hold = Hold(rawValue: try changes.text()) else { throw changes.unexpected("hold") }
            held.append(Held(subscription: subscription, hold: hold))
        }
        self.held = held
        self.leased = reply.isAtEnd ? nil : try Leased(try reply.reader())
    }
}
