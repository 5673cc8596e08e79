import Domain

extension Taken {
    init(_ reply: consuming ReplyReader) throws(StoreError) {
        var reply = reply
        _ = try reply.timestamp()
        let leaseEnd = try reply.timestamp()
        self.more = try reply.int() == 1
        self.overflowed = try reply.int()
        self.droppedLetters = try reply.int()
        var leases: [Lease] = []
        while !reply.isAtEnd {
            let first = try reply.position()
            let policy = try RetryPolicy(record: try reply.text())
            var records = try reply.reader()
            var messages: [MessageRecord] = []
            while !records.isAtEnd { messages.append(try MessageRecord(try records.bytes())) }
            var rows = try reply.reader()
            while !rows.isAtEnd {
                let subscription = try rows.subscriptionID()
                let header = try SubscriptionHeader(try rows.bytes())
                let number = try rows.int()
                guard (1...max(1, messages.count)).contains(number), !messages.isEmpty else {
                    throw rows.unexpected("number of a message")
                }
                let index = number - 1
                let token = LeaseToken(
                    subscription: subscription, position: first.advanced(by: index), attempt: 1, fences: 0,
                    suspicion: 0, leasedUntil: leaseEnd)
                leases.append(Lease(token, header, messages[index], policy))
            }
        }
        self.leases = leases
    }
}

extension Lease {
    /// A larger number in Redis is not ours: fences begin anew before it.
    fileprivate static let turnMax = LeaseToken.fence * LeaseToken.fence

    init(_ token: LeaseToken, _ header: SubscriptionHeader, _ record: MessageRecord, _ policy: RetryPolicy?) {
        self.init(
            token: token, queue: header.queue, version: header.version, ttl: record.ttl,
            expiresAt: record.livesUntil ?? token.position.createdAt.adding(seconds: record.ttl), delay: record.delay,
            checksum: record.checksum, isSealed: record.isSealed, kind: record.kind, body: record.body,
            queuePolicy: policy)
    }
}

extension Leased {
    init(_ reply: consuming ReplyReader) throws(StoreError) {
        var reply = reply
        let now = try reply.timestamp()
        let leaseEnd = try reply.timestamp()
        self.nextDue = try reply.timestampIfAny()
        self.more = self.nextDue.map { $0 <= now } ?? false
        var leases: [Lease] = []
        while !reply.isAtEnd {
            let subscription = try reply.subscriptionID()
            let header = try SubscriptionHeader(try reply.bytes())
            let policy = try RetryPolicy(record: try reply.text())
            var rows = try reply.reader()
            while !rows.isAtEnd {
                let member = try rows.text().split(separator: ":")
                guard (2...3).contains(member.count), let position = Int64(member[0]),
                    (1..<ReplyReader.end).contains(position), let turn = Int(member[1]),
                    (1..<Lease.turnMax).contains(turn), let suspicion = member.count == 3 ? Int(member[2]) : 0
                else { throw rows.unexpected("position and attempt") }
                let token = LeaseToken(
                    subscription: subscription, position: Position(position), attempt: turn % LeaseToken.fence,
                    fences: turn / LeaseToken.fence, suspicion: suspicion, leasedUntil: leaseEnd)
                leases.append(Lease(token, header, try MessageRecord(try rows.bytes()), policy))
            }
        }
        self.leases = leases
    }
}

extension Settled {
    init(_ reply: consuming ReplyReader, _ count: Int) throws(StoreError) {
        var reply = reply
        var answers = try reply.reader()
        var written: [Bool] = []
        for _ in 0..<count { written.append(try answers.int() == 1) }
        self.written = written
        self.droppedLetters = try reply.int()
        self.leased = reply.isAtEnd ? nil : try Leased(try reply.reader())
    }
}
