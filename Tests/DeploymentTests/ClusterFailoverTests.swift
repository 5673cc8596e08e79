import Domain
import Foundation
import Redis
import Store
import TestKit
import Testing

extension OutageTests {
    /// A deployment whose Redis is a cluster: what happens to one master touches the shards there, and loses nothing.
    struct ClusterFailoverTests {
        private static let settings = ["HERALD_NOTIFIER_LEASE": "5"]

        /// The slot of the shard of a queue.
        static func slot(of queue: String) throws -> KeySlot {
            let shards = Shards(count: 16)
            let address = QueueAddress(project: try ProjectID(Load.project), name: try QueueName(queue))
            return KeySlot(ofTag: shards.tags[shards.shard(of: address)])
        }

        /// A queue whose shard another master has.
        static func queue(apartFrom queue: String, in cluster: RedisCluster) throws -> String {
            let master = cluster.master(of: try self.slot(of: queue))
            return try self.queue { cluster.master(of: try self.slot(of: $0)) !== master }
        }

        /// The name of a queue that lies where a test needs one.
        static func queue(where isRight: (String) throws -> Bool) throws -> String {
            try #require(try (0..<256).map { "other\($0)" }.first(where: isRight))
        }

        static func withDeployment(
            on cluster: RedisCluster, settings: [String: String] = [:],
            _ body: @Sendable (Deployment, Deployment.Running, WebhookReceiver) async throws -> Void
        ) async throws {
            let settings = Self.settings.merging(settings) { $1 }
            let deployment = Deployment(redis: cluster.masters[0], at: cluster.url, settings: settings)
            try await withProcesses(of: deployment) { deployment in
                try await WebhookReceiver.with { receiver in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    try await body(deployment, api, receiver)
                    #expect(api.process.exit == nil && notifier.process.exit == nil, "\(deployment.logs)")
                }
            }
        }

        @Test(arguments: [0, 1], FailoverOutcome.runs)
        func `A slot moves under load to a master that was added, and on, and nothing is lost`(
            replicas: Int, run: Int
        ) async throws {
            try await withRedisCluster(replicas: replicas, added: 1) { cluster async throws in
                try await Self.withDeployment(on: cluster) { deployment, api, receiver in
                    let other = try Self.queue(apartFrom: "jobs", in: cluster)
                    try await Load.subscribe(receiver.url("/moving"), to: "jobs", on: api.address)
                    try await Load.subscribe(receiver.url("/staying"), to: other, on: api.address)
                    let moving = Load(Ledger(), on: api.address, to: "jobs")
                    let staying = Load(Ledger(), on: api.address, to: other)
                    async let posting: Void = moving.run(callers: 4, pause: .milliseconds(5))
                    async let posting2: Void = staying.run(callers: 2, pause: .milliseconds(5))
                    _ = try await eventually { moving.ledger.accepted.count > 200 ? true : nil }
                    let slot = try Self.slot(of: "jobs")
                    var source = cluster.master(of: slot)
                    var took: [Duration] = []
                    // The one that was added comes last: a master without slots becomes a replica.
                    for target in cluster.masters + cluster.added where target !== source {
                        let begun = ContinuousClock.now
                        try await cluster.migrate(slot, from: source, to: target)
                        took.append(ContinuousClock.now - begun)
                        source = target
                        let before = moving.ledger.accepted.count
                        let goesOn: Bool? = try await eventually {
                            moving.ledger.accepted.count > before + 100 ? true : nil
                        }
                        #expect(goesOn == true, "\(moving.ledger.refused) \(deployment.logs)")
                    }
                    moving.stop()
                    staying.stop()
                    _ = await (posting, posting2)
                    for (load, path) in [(moving, "/moving"), (staying, "/staying")] {
                        let all = try await SurvivalTests.arrival(of: load.ledger, at: [path], of: receiver)
                        let audit = load.ledger.audit(receiver.requests(at: path))
                        report(
                            "slot moved, \(replicas) replicas of each master, \(path), run \(run)",
                            "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats); moves took"
                                + " \(took.map(\.milliseconds)) ms; other answers \(load.ledger.refused)")
                        #expect(all, "not everything arrived; \(deployment.logs)")
                        #expect(audit.isClean)
                    }
                    // The shards of other masters are not touched.
                    #expect(staying.ledger.refused.isEmpty && staying.ledger.unknown.isEmpty)
                }
            }
        }

        @Test(arguments: Durability.allCases, FailoverOutcome.runs)
        func `A master killed under load is replaced, and what was replicated is there`(
            durability: Durability, run: Int
        ) async throws {
            try await Self.killMaster(durability, run: run, "master of a cluster killed")
        }

        @Test(arguments: FailoverOutcome.runs)
        func `Where every wire is encrypted, a master killed under load is replaced, and nothing is lost`(
            run: Int
        ) async throws {
            try await withRedisCertificates { certificates in
                try await Self.killMaster(.replicated, run: run, "master of a cluster killed, TLS", certificates)
            }
        }

        private static func killMaster(
            _ durability: Durability, run: Int, _ name: String, _ certificates: RedisCertificates? = nil
        ) async throws {
            var random = SeededGenerator(seed: UInt64(run))
            let count = random.pick([20, 100, 400])
            // What `disk` asks of every server; the others need no files.
            let arguments = ["--appendonly", durability == .disk ? "yes" : "no"]
            try await withRedisCluster(replicas: 1, certificates: certificates, arguments: arguments) {
                cluster async throws in
                let settings = (certificates?.environment ?? [:])
                    .merging(["HERALD_REDIS_DURABILITY": durability.rawValue]) { $1 }
                try await Self.withDeployment(on: cluster, settings: settings) { deployment, api, receiver in
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let load = Load(Ledger(), on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 8, pause: .milliseconds(5))
                    _ = try await eventually { load.ledger.accepted.count >= count ? true : nil }
                    let victim = cluster.master(of: try Self.slot(of: "jobs"))
                    await victim.kill()
                    let killed = ContinuousClock.now
                    // With all replicas waited for, posts need the one that is missing then.
                    let index = try #require(cluster.masters.firstIndex { $0 === victim })
                    let isPromoted: Bool? = try await eventually(within: .seconds(60)) {
                        try await cluster.replicas[index][0].command("ROLE").array?.first?.text == "master" ? true : nil
                    }
                    #expect(isPromoted == true)
                    let promoted = ContinuousClock.now
                    try await victim.start()
                    let before = load.ledger.accepted.count
                    let goesOn: Bool? = try await eventually(within: .seconds(60)) {
                        load.ledger.accepted.count > before + 100 ? true : nil
                    }
                    #expect(goesOn == true, "\(load.ledger.refused) \(deployment.logs)")
                    load.stop()
                    await posting
                    let outcome = try await FailoverOutcome(
                        of: load, at: "/a", of: receiver, durability, begun: killed, settled: promoted)
                    outcome.check("\(name), \(durability.rawValue), run \(run)", load, deployment)
                }
            }
        }
    }
}
