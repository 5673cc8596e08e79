import NIOConcurrencyHelpers
package import Redis

/// A Redis Cluster of a test's own: some masters that share the slots evenly, and replicas of each.
package final class RedisCluster: Sendable {
    package let masters: [RedisServer]
    /// By master.
    package let replicas: [[RedisServer]]
    /// Masters without a slot, which its URL does not name.
    package let added: [RedisServer]
    private let isEncrypted: Bool

    fileprivate init(masters: [RedisServer], replicas: [[RedisServer]], added: [RedisServer], isEncrypted: Bool) {
        self.masters = masters
        self.replicas = replicas
        self.added = added
        self.isEncrypted = isEncrypted
    }

    private var named: [RedisServer] { self.masters + self.replicas.flatMap(\.self) }
    package var all: [RedisServer] { self.named + self.added }

    /// As a setting has it.
    package var url: String {
        "redis\(self.isEncrypted ? "s" : "")+cluster://"
            + self.named.compactMap(\.tcpPort).map { "127.0.0.1:\($0)" }.joined(separator: ",")
    }

    /// The master that a slot was given to first.
    package func master(of slot: KeySlot) -> RedisServer {
        self.masters[Int(slot.number) * self.masters.count / KeySlot.count]
    }

    /// Moves a slot, and all keys in it, while clients use it.
    ///
    /// - Parameter step: Called before each batch of keys.
    package func migrate(
        _ slot: KeySlot, from source: RedisServer, to target: RedisServer, step: () async throws -> Void = {}
    ) async throws {
        let (number, port) = ("\(slot.number)", "\(target.tcpPort ?? 0)")
        let (sourceID, targetID) = (try await source.clusterID(), try await target.clusterID())
        try await target.command("CLUSTER", "SETSLOT", number, "IMPORTING", sourceID)
        try await source.command("CLUSTER", "SETSLOT", number, "MIGRATING", targetID)
        while true {
            try await step()
            let keys =
                try await source.command("CLUSTER", "GETKEYSINSLOT", number, "20").array?.compactMap(\.text) ?? []
            if keys.isEmpty { break }
            try await source.run(["MIGRATE", "127.0.0.1", port, "", "0", "60000", "KEYS"] + keys)
        }
        for server in [target, source] + self.masters + self.added {
            try await server.command("CLUSTER", "SETSLOT", number, "NODE", targetID)
        }
    }

    fileprivate func assemble() async throws {
        let count = self.masters.count
        for (index, master) in self.masters.enumerated() {
            // The slots whose number divided by a master's share is that of the master.
            let first = (index * KeySlot.count + count - 1) / count
            let last = ((index + 1) * KeySlot.count + count - 1) / count - 1
            try await master.command("CLUSTER", "ADDSLOTSRANGE", "\(first)", "\(last)")
        }
        let first = self.masters[0]
        for server in self.all.dropFirst() {
            try await server.run([
                "CLUSTER", "MEET", "127.0.0.1", "\(first.tcpPort ?? 0)", "\(first.busPort ?? 0)",
            ])
        }
        for (master, replicas) in zip(self.masters, self.replicas) {
            for replica in replicas {
                let id = try await master.clusterID()
                // It has to have heard of its master.
                try await Self.wait { try await replica.succeeds("CLUSTER", "REPLICATE", id) }
            }
        }
        for server in self.all {
            try await Self.wait {
                let info = try await server.command("CLUSTER", "INFO").text ?? ""
                return info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:\(self.all.count)")
            }
        }
        for replica in self.replicas.flatMap(\.self) {
            try await Self.wait {
                try await replica.command("INFO", "replication").text?.contains("master_link_status:up") == true
            }
        }
    }

    private static func wait(_ condition: () async throws -> Bool) async throws {
        guard try await eventually({ try await condition() ? true : nil }) == true else {
            throw RedisServer.NotStarted(description: "the cluster does not come together")
        }
    }
}

extension RedisServer {
    fileprivate func clusterID() async throws -> String { try await self.command("CLUSTER", "MYID").text ?? "" }

    fileprivate func succeeds(_ words: String...) async throws -> Bool {
        do throws(RedisError) {
            try await self.run(words)
            return true
        } catch {
            return false
        }
    }
}

/// Gives a cluster of one's own, and takes it away at the end.
///
/// - Parameters:
///   - masters: At least three, so that a majority notices the end of one.
///   - replicas: Of each master.
///   - added: Further masters, which get no slot.
///   - certificates: With them it is reached by TLS only, and its nodes speak TLS to each other.
package func withRedisCluster(
    masters: Int = 3, replicas: Int = 0, added: Int = 0, certificates: RedisCertificates? = nil,
    arguments: [String] = [],
    _ body: (RedisCluster) async throws -> Void
) async throws {
    try await withServers(masters * (1 + replicas) + added, certificates, arguments, []) { servers in
        let cluster = RedisCluster(
            masters: Array(servers.prefix(masters)),
            replicas: (0..<masters).map { index in
                Array(servers.dropFirst(masters + index * replicas).prefix(replicas))
            }, added: servers.suffix(added), isEncrypted: certificates != nil)
        try await cluster.assemble()
        try await body(cluster)
    }
}

private func withServers(
    _ count: Int, _ certificates: RedisCertificates?, _ arguments: [String], _ started: [RedisServer],
    _ body: ([RedisServer]) async throws -> Void
) async throws {
    guard count > 0 else { return try await body(started) }
    try await withRedis(
        tcp: true, isNode: true, certificates: certificates,
        arguments: ["--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0"] + arguments
    ) { server in
        try await withServers(count - 1, certificates, arguments, started + [server], body)
    }
}
