package import Domain
import Redis

/// Copies a closed queue with its subscriptions and what waits for them from one store to another, page by page and as it is.
///
/// Positions stay the same, and with them order, ids and what deliveries are called. They are unique in a shard of one store only:
/// where a message that waits for its delivery has the position of another one that waits in the target, nothing can be moved
/// until one of them has ended.
package struct QueueCopy: Sendable {
    /// The position of a message that waits in the source is that of another one that waits in the target.
    package struct Collision: Error, Sendable {
        package let position: Position
    }

    /// What one page is to take, bytes, and how many elements it has at most.
    private static let pageBytes = 1_048_576
    private static let elementsMax = 500

    let source: ClosedQueues
    let target: ClosedQueues
    let queue: QueueAddress
    /// Asked before each page: throws where the move has been given up.
    let check: @Sendable () throws -> Void

    package init(
        of queue: QueueAddress, from source: ClosedQueues, to target: ClosedQueues,
        check: @escaping @Sendable () throws -> Void
    ) {
        self.queue = queue
        self.source = source
        self.target = target
        self.check = check
    }

    private var keys: ShardKeys { self.source.keySpace.shard(of: self.queue) }

    package func run() async throws {
        let waiting = try await TargetEvents(of: self.keys, in: self.target)
        try await self.checkEvents(against: waiting)
        for key in self.keys.closed(self.queue) { try await self.copy(key) }
        var seen: Set<String> = []
        try await self.source.eachPage(of: self.queue) { page in
            try self.check()
            try await self.copyFields(of: page)
            for id in page { try await self.copyDeliveries(to: id, against: waiting, &seen) }
        }
    }

    /// The questions that wait for their minute, which are not named for their queue; to be called once the move is decided.
    package func moveQuestions() async throws {
        var ids: Set<Substring> = []
        try await self.source.eachPage(of: self.queue) { ids.formUnion($0.map { $0[...] }) }
        guard !ids.isEmpty else { return }
        let key = self.keys.waitingConfirmations
        var cursor = "0"
        repeat {
            let (next, page) = try await self.scan("ZSCAN", key, cursor)
            let own = stride(from: 0, to: page.count - 1, by: 2).filter { index in
                let parts = String(decoding: page[index], as: UTF8.self).split(separator: "|", maxSplits: 2)
                return parts.count == 3 && ids.contains(parts[1])
            }
            if !own.isEmpty {
                try await self.write("ZADD", key, own.flatMap { [page[$0 + 1], page[$0]] })
                var removal = RedisCommand("ZREM", arguments: 1 + own.count)
                removal.append(key)
                for index in own { removal.append(page[index]) }
                _ = try await self.source.runner.send(removal)
            }
            cursor = next
        } while cursor != "0"
    }
}

// MARK: Whole keys

extension QueueCopy {
    private func copy(_ key: RedisKey) async throws {
        try self.check()
        switch try await self.ask("TYPE", key).text {
        case "none": return
        case "hash": try await self.copyHash(key)
        case "zset": try await self.copySet(key)
        case "list": try await self.copyList(key)
        case "stream": try await self.copyStream(key)
        case "string":
            if let bytes = try await self.ask("GET", key).bytes { try await self.write("SET", key, [bytes]) }
        case let type: throw StoreError.corrupt("a key of a queue is a \(type ?? "thing without a type")")
        }
        if let life = try await self.ask("PTTL", key).int, life > 0 {
            try await self.write("PEXPIRE", key, [Array(String(life).utf8)])
        }
    }

    private func copyHash(_ key: RedisKey) async throws {
        var cursor = "0"
        repeat {
            let (next, page) = try await self.scan("HSCAN", key, cursor)
            if !page.isEmpty { try await self.write("HSET", key, page) }
            cursor = next
        } while cursor != "0"
    }

    private func copySet(_ key: RedisKey) async throws {
        try await self.eachPage(of: key) { index, count in
            let page = try await self.read("ZRANGE", key, [String(index), String(index + count - 1), "WITHSCORES"])
            if !page.isEmpty {
                try await self.write(
                    "ZADD", key, stride(from: 0, to: page.count - 1, by: 2).flatMap { [page[$0 + 1], page[$0]] })
            }
            return (page.count / 2, Self.bytes(of: page))
        }
    }

    private func copyList(_ key: RedisKey) async throws {
        try await self.eachPage(of: key) { index, count in
            let page = try await self.read("LRANGE", key, [String(index), String(index + count - 1)])
            if !page.isEmpty { try await self.write("RPUSH", key, page) }
            return (page.count, Self.bytes(of: page))
        }
    }

    private func copyStream(_ key: RedisKey) async throws {
        var after = "-"
        try await self.eachPage(of: key) { _, count in
            var command = RedisCommand("XRANGE", arguments: 5)
            command.append(key)
            for word in [after, "+", "COUNT", String(count)] { command.append(word) }
            var reply = try ReplyReader(try await self.source.runner.send(command), of: "XRANGE")
            var call = self.target.runner.call(Scripts.queueFill, keys: [key])
            var (entries, bytes) = (0, 0)
            while !reply.isAtEnd {
                var entry = try reply.reader()
                let id = try entry.text()
                var fields = try entry.reader()
                let (field, value) = (try fields.bytes(), try fields.bytes())
                call.append(id)
                call.append(field)
                call.append(value)
                (entries, bytes, after) = (entries + 1, bytes + value.count, "(" + id)
            }
            if entries > 0 { _ = try await self.target.runner.run(call) }
            return (entries, bytes)
        }
    }

    /// Calls the body with the first element of a page and how many elements it is to have, until it finds fewer; few at first, then
    /// as many as ``pageBytes`` have of those that were seen.
    private func eachPage(
        of key: RedisKey, _ body: (_ first: Int, _ count: Int) async throws -> (elements: Int, bytes: Int)
    ) async throws {
        var (first, count) = (0, 4)
        while true {
            try self.check()
            let (elements, bytes) = try await body(first, count)
            guard elements == count else { return }
            first += elements
            count = min(Self.elementsMax, count * 4, max(1, Self.pageBytes / max(1, bytes / elements)))
        }
    }
}

// MARK: Subscriptions and what waits for them

extension QueueCopy {
    /// What is kept of subscriptions in hashes of their shard, but for counts that follow from what waits.
    private func copyFields(of ids: [String]) async throws {
        let keys = self.keys
        for key in [
            keys.subscriptions, keys.subscriptionHeaders, keys.pacing, keys.attemptCounts, keys.expiredCounts,
            keys.trusts,
        ] {
            try await self.copyFields(ids, of: key)
        }
        for id in ids.compactMap({ SubscriptionID($0) }) {
            try await self.copy(keys.attemptLog(id))
        }
    }

    private func copyFields(_ fields: [String], of key: RedisKey) async throws {
        let values = try await self.fields(fields, of: key)
        let found = zip(fields, values).flatMap { field, value in value.map { [Array(field.utf8), $0] } ?? [] }
        if !found.isEmpty { try await self.write("HSET", key, found) }
    }

    /// What waits for a subscription, with the records of the messages.
    ///
    /// - Parameter seen: Positions of the messages that were copied for others.
    private func copyDeliveries(
        to id: String, against events: TargetEvents, _ seen: inout Set<String>
    ) async throws {
        guard let subscription = SubscriptionID(id) else { throw StoreError.corrupt("the id of a subscription") }
        let due = self.keys.due(subscription)
        var first = 0
        while true {
            try self.check()
            let page = try await self.read(
                "ZRANGE", due, [String(first), String(first + Self.deliveriesMax - 1), "WITHSCORES"])
            let deliveries = stride(from: 0, to: page.count - 1, by: 2).map { index in
                Waiting(
                    member: page[index], score: page[index + 1],
                    position: String(decoding: page[index].prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self))
            }
            if !deliveries.isEmpty {
                let new = deliveries.map(\.position).filter { !seen.contains($0) }
                for position in new { try events.check(Position(Int64(position) ?? 0)) }
                try await self.copyFields(deliveries.map { "\(id)|\($0.position)" }, of: self.keys.turns)
                let records = new.isEmpty ? [] : try await self.fields(new, of: self.keys.payloads)
                try await self.write(
                    deliveries, to: due, Dictionary(zip(new, records), uniquingKeysWith: { record, _ in record }))
                seen.formUnion(new)
            }
            guard deliveries.count == Self.deliveriesMax else { return }
            first += deliveries.count
        }
    }

    private struct Waiting {
        let member: [UInt8]
        let score: [UInt8]
        let position: String
    }

    /// Deliveries of one page, each of which may bring a large record.
    private static let deliveriesMax = 16

    /// - Parameter records: Of messages that are new there; one that has none waits for nothing, as in the source.
    private func write(
        _ deliveries: [Waiting], to due: RedisKey, _ records: [String: [UInt8]?]
    ) async throws {
        let keys = self.keys
        var call = self.target.runner.call(
            Scripts.deliveryFill, keys: [keys.payloads, keys.payloadReferences, due, keys.waitingCounts])
        call.append(self.queue.project.text)
        for delivery in deliveries {
            call.append(delivery.member)
            call.append(delivery.score)
            call.append((records[delivery.position] ?? nil) ?? [])
        }
        let answer = try await self.target.runner.run(call).text ?? ""
        guard answer.isEmpty else { throw Collision(position: Position(Int64(answer) ?? 0)) }
    }

    /// Looks whether a message that is to be fanned out has the position of one that waits in the target.
    private func checkEvents(against events: TargetEvents) async throws {
        let own = self.keys.closedEvents(self.queue)
        for (first, count) in try await TargetEvents.list(own, in: self.source) {
            try self.check()
            let positions = (0..<Int64(count)).map { Position(first.value + $0) }
            for position in positions { try events.check(position) }
            var command = RedisCommand("HMGET", arguments: 1 + count)
            command.append(self.keys.payloads)
            for position in positions { command.append(position.value) }
            let kept = try await self.target.runner.send(command).array ?? []
            if let index = kept.firstIndex(where: { $0.bytes != nil }) { throw Collision(position: positions[index]) }
        }
    }
}

// MARK: Commands

extension QueueCopy {
    private func ask(_ name: StaticString, _ key: RedisKey) async throws -> RedisValue {
        var command = RedisCommand(name, arguments: 1)
        command.append(key)
        return try await self.source.runner.send(command)
    }

    private func read(_ name: StaticString, _ key: RedisKey, _ words: [String]) async throws -> [[UInt8]] {
        var command = RedisCommand(name, arguments: 1 + words.count)
        command.append(key)
        for word in words { command.append(word) }
        return try Self.texts(try await self.source.runner.send(command))
    }

    private func scan(
        _ name: StaticString, _ key: RedisKey, _ cursor: String
    ) async throws -> (String, [[UInt8]]) {
        var command = RedisCommand(name, arguments: 4)
        command.append(key)
        for word in [cursor, "COUNT", "16"] { command.append(word) }
        var reply = try ReplyReader(try await self.source.runner.send(command), of: "a scan")
        return (try reply.text(), try Self.texts(try reply.next()))
    }

    private func fields(_ names: [String], of key: RedisKey) async throws -> [[UInt8]?] {
        var command = RedisCommand("HMGET", arguments: 1 + names.count)
        command.append(key)
        for name in names { command.append(name) }
        guard let values = try await self.source.runner.send(command).array, values.count == names.count else {
            throw StoreError.corrupt("HMGET answered of other fields")
        }
        return values.map(\.bytes)
    }

    private func write(_ name: StaticString, _ key: RedisKey, _ words: [[UInt8]]) async throws {
        var command = RedisCommand(name, arguments: 1 + words.count)
        command.append(key)
        for word in words { command.append(word) }
        _ = try await self.target.runner.send(command)
    }

    private static func texts(_ value: RedisValue) throws(StoreError) -> [[UInt8]] {
        var reply = try ReplyReader(value, of: "a page")
        var texts: [[UInt8]] = []
        while !reply.isAtEnd { texts.append(try reply.bytes()) }
        return texts
    }

    private static func bytes(of texts: [[UInt8]]) -> Int { texts.reduce(0) { $0 + $1.count } }
}
