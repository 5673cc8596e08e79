package import Domain
import Redis

/// The API nodes that have sessions, and what these have subscribed; all of it in the control store.
///
/// A node says every ``interval`` that it lives, and is silent when it has not for ``life``, by the clock of Redis. Another node then takes it
/// for ended, and ends what its sessions have subscribed; it learns that when it says again that it lives.
package struct SessionNodes: Sendable {
    package static let life = Duration.seconds(15)
    package static let interval = Duration.seconds(3)

    /// A subscription of a session, as others find it.
    package struct Entry: Sendable, Hashable {
        package let subscription: SubscriptionID
        package let queue: QueueAddress

        package init(_ subscription: SubscriptionID, of queue: QueueAddress) {
            self.subscription = subscription
            self.queue = queue
        }

        /// As it is kept: `<id> <key of the queue>`.
        fileprivate var text: String { "\(self.subscription.text) \(self.queue.key)" }

        fileprivate init?(_ bytes: [UInt8]) {
            guard let blank = bytes.firstIndex(of: UInt8(ascii: " ")),
                let subscription = SubscriptionID(String(decoding: bytes[..<blank], as: UTF8.self)),
                let queue = QueueAddress(key: bytes[(blank + 1)...])
            else { return nil }
            self.init(subscription, of: queue)
        }
    }

    let runner: ScriptRunner

    /// Says that a node lives.
    ///
    /// - Returns: Whether it was known; false at first, and when another one has taken it for ended.
    package func beat(_ node: String) async throws(StoreError) -> Bool {
        var call = self.runner.call(Scripts.sessionNodeBeat, keys: [KeySpace.sessionNodes])
        call.append(node)
        call.append(Int64(Self.life / .milliseconds(1)))
        return try await self.runner.run(call).int == 1
    }

    /// Writes down what a session has subscribed, so that it ends also when the node does not live to end it.
    package func register(_ entry: Entry, of node: String) async throws(StoreError) {
        try await self.change("SADD", [entry], of: node)
    }

    package func unregister(_ entries: [Entry], of node: String) async throws(StoreError) {
        try await self.change("SREM", entries, of: node)
    }

    private func change(_ name: StaticString, _ entries: [Entry], of node: String) async throws(StoreError) {
        guard !entries.isEmpty else { return }
        var command = RedisCommand(name, arguments: 1 + entries.count)
        command.append(KeySpace.sessionSubscriptions(of: node))
        for entry in entries { command.append(entry.text) }
        _ = try await self.runner.send(command)
    }

    /// How many subscriptions are written down of a node.
    package func count(of node: String) async throws(StoreError) -> Int {
        var command = RedisCommand("SCARD", arguments: 1)
        command.append(KeySpace.sessionSubscriptions(of: node))
        guard let count = try await self.runner.send(command).int else { throw .corrupt("the subscriptions of a node") }
        return count
    }

    /// Which of these nodes have ended: by themselves, or because another one has taken them for ended.
    package func ended(among nodes: Set<String>) async throws(StoreError) -> Set<String> {
        let nodes = Array(nodes)
        guard !nodes.isEmpty else { return [] }
        var command = RedisCommand("ZMSCORE", arguments: 1 + nodes.count)
        command.append(KeySpace.sessionNodes)
        for node in nodes { command.append(node) }
        var reply = try ReplyReader(try await self.runner.send(command), of: "ZMSCORE")
        var ended: Set<String> = []
        for node in nodes {
            let score = try reply.next().bytes.map { String(decoding: $0, as: UTF8.self) }
            if score == nil || score == "0" { ended.insert(node) }
        }
        return ended
    }

    /// Takes nodes that are silent for ended.
    ///
    /// - Returns: These, and those that were taken for ended before and have subscriptions left, at most `limit`.
    package func endSilent(limit: Int) async throws(StoreError) -> [String] {
        var call = self.runner.call(Scripts.sessionNodeList, keys: [KeySpace.sessionNodes])
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.sessionNodeList)
        var nodes: [String] = []
        while !reply.isAtEnd { nodes.append(try reply.text()) }
        return nodes
    }

    /// Some of what the sessions of an ended node have subscribed.
    ///
    /// - Returns: Empty when nothing is left, or the node lives again. One that cannot be read is left out, and removed.
    package func entries(of node: String, limit: Int) async throws(StoreError) -> [Entry] {
        let key = KeySpace.sessionSubscriptions(of: node)
        var call = self.runner.call(Scripts.sessionNodeRead, keys: [KeySpace.sessionNodes, key])
        call.append(node)
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.sessionNodeRead)
        var (entries, unreadable) = ([Entry](), [[UInt8]]())
        while !reply.isAtEnd {
            let bytes = try reply.bytes()
            if let entry = Entry(bytes) { entries.append(entry) } else { unreadable.append(bytes) }
        }
        guard !unreadable.isEmpty else { return entries }
        var removal = RedisCommand("SREM", arguments: 1 + unreadable.count)
        removal.append(key)
        for bytes in unreadable { removal.append(bytes) }
        _ = try await self.runner.send(removal)
        return entries
    }

    /// Removes a node and its inbox, once it has no subscriptions.
    ///
    /// - Parameter itself: The node ends itself: from then on others end what it left. Otherwise one that lives again is kept.
    /// - Returns: Whether it is gone.
    package func end(_ node: String, itself: Bool) async throws(StoreError) -> Bool {
        var call = self.runner.call(
            Scripts.sessionNodeEnd,
            keys: [
                KeySpace.sessionNodes, KeySpace.sessionSubscriptions(of: node), KeySpace.sessionInbox(of: node),
                KeySpace.sessionInboxBytes,
            ])
        call.append(node)
        call.append(itself ? 1 : 0)
        return try await self.runner.run(call).int == 1
    }
}
