import Domain
import Foundation
import Redis
import TestKit
import Testing

extension OutageTests {
    /// What it costs the callers of a shard that its slot moves, by how much lies in it.
    struct SlotMoveTests {
        /// What the slot holds; more by `HERALD_MIGRATION_MEGABYTES`.
        private static let megabytes =
            ProcessInfo.processInfo.environment["HERALD_MIGRATION_MEGABYTES"].flatMap { Int($0) } ?? 8

        private static let bodyBytes = 25_000
        private static let bodiesPerPost = 10

        /// Posts messages until they take so many bytes.
        private static func fill(_ queue: String, bytes: Int, on address: String) async throws {
            // Redis packs what it sends, where it can.
            var generator = SeededGenerator(seed: 1)
            let characters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-")
            let body = String((0..<Self.bodyBytes).map { _ in characters[Int.random(in: 0..<64, using: &generator)] })
            let message = #"{"body": "\#(body)"}"#
            let post =
                #"{"messages": [\#(Array(repeating: message, count: Self.bodiesPerPost).joined(separator: ","))]}"#
            let caller = HTTPCaller(address)
            for _ in 0..<(bytes / (Self.bodyBytes * Self.bodiesPerPost)) {
                let reply = try await caller.send(
                    "POST", "/v2/queues/\(queue)/messages", headers: Load.headers, body: post)
                guard reply.status == 201 else { throw Load.Unexpected(reply: reply) }
            }
            await caller.close()
        }

        @Test func `A slot that is full of messages moves under load, and only its shard waits for it`() async throws {
            try await withRedisCluster(arguments: ["--cluster-node-timeout", "15000"]) { cluster async throws in
                try await ClusterFailoverTests.withDeployment(on: cluster) { deployment, api, receiver in
                    let slot = try ClusterFailoverTests.slot(of: "jobs")
                    let source = cluster.master(of: slot)
                    let target = try #require(cluster.masters.first { $0 !== source })
                    let full = try ClusterFailoverTests.queue { try ClusterFailoverTests.slot(of: $0) == slot }
                    // A master that is asked for a key, or given one, does nothing else meanwhile.
                    let apart = try ClusterFailoverTests.queue {
                        let master = cluster.master(of: try ClusterFailoverTests.slot(of: $0))
                        return master !== source && master !== target
                    }
                    try await Self.fill(full, bytes: Self.megabytes << 20, on: api.address)
                    var (begun, took) = (ContinuousClock.now, Duration.zero)
                    let loads = try await LoadedQueue.with(
                        ["jobs": "/moving", apart: "/apart"], on: api, receiver, before: 100
                    ) { _ in
                        begun = .now
                        try await cluster.migrate(slot, from: source, to: target)
                        took = .now - begun
                    }
                    for each in loads {
                        try await each.check(
                            "slot of \(Self.megabytes) MB moved, \(each.path)", since: begun,
                            "the move took \(took.milliseconds) ms", isUntouched: each.path == "/apart", receiver,
                            deployment)
                    }
                }
            }
        }
    }
}
