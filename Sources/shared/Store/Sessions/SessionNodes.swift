package import Domain
import Redis

/// The API nodes that have sessions, and what these have subscribed; all of it in the control store.
///
/// A node says every ``interval`` that it lives, and counts as ended when it has not for ``life``, by the clock of Redis. What its
/// sessions have subscribed is then for any other node to end.
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
    /// - Returns: Whether it lived until now; false at first, and when others may have taken it for ended.
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

    /// Nodes that have ended and were not looked after to the end, at most `limit`.
    package func ended(limit: Int) async throws(StoreError) -> [String] {
        var call = self.runner.call(Scripts.sessionNodeList, keys: [KeySpace.sessionNodes])
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.sessionNodeList)
        var nodes: [String] = []
        while !reply.isAtEnd { nodes.append(try reply.text()) }
        return nodes
    }

    /// Some of what the sessions of a node have subscribed; empty when nothing is left.
    package func entries(of node: String, limit: Int) async throws(StoreError) -> [Entry] {
        var command = RedisCommand("SRANDMEMBER", arguments: 2)
        command.append(KeySpace.sessionSubscriptions(of: node))
        command.append(limit)
        var reply = try ReplyReader(try await self.runner.send(command), of: "SRANDMEMBER")
        var entries: [Entry] = []
        while !reply.isAtEnd {
            guard let entry = Entry(try reply.bytes()) else { throw .corrupt("a subscription of a node") }
            entries.append(entry)
        }
        return entries
    }

    /// Removes a node and its inbox, once it has no subscriptions.
    ///
    /// - Parameter itself: The node ends itself; otherwise one that lives again is kept.
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
