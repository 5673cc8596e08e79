import Domain
import Foundation
import Redis
import TestKit
import Testing

extension OutageTests {
    /// A deployment whose Redis is what Sentinels say: it goes on by itself when they name another.
    struct SentinelFailoverTests {
        @Test(arguments: Durability.allCases, FailoverOutcome.runs)
        func `A planned failover under load loses nothing, and both processes go on`(
            durability: Durability, run: Int
        ) async throws {
            var random = SeededGenerator(seed: UInt64(run))
            let before = (0..<2).map { _ in random.pick([3, 40, 150, 400]) }
            let (settings, arguments) = durability.ofThreeServers
            // A pause keeps Sentinels from publishing, too: they are not to take it for an outage.
            try await withSentinels(downAfter: .seconds(15), appendOnly: true, arguments: arguments) {
                sentinels async throws in
                try await Self.withLoad(on: sentinels, settings: settings) { load, deployment, receiver in
                    var (windows, afterSwitch): ([Duration], [Duration]) = ([], [])
                    for more in before {
                        try await load.more(more)
                        let master = try await sentinels.master()
                        let held = ContinuousClock.now
                        try await Self.failOver(sentinels, from: master)
                        afterSwitch.append(try await Self.recovery(of: load.ledger))
                        windows.append(load.ledger.longestPause(after: held))
                        try await master.command("CLIENT", "UNPAUSE")
                        #expect(try await sentinels.becomesReplica(master))
                    }
                    load.stop()
                    // After a time without writes a process is listed once it has registered itself again.
                    let isListed: Bool? = try await eventually {
                        let listed = try await deployment.herald(["ps"])
                        return listed.exit == .status(0) && listed.output.contains("notifier") ? true : nil
                    }
                    #expect(isListed == true, "\(deployment.logs)")
                    let all = try await SurvivalTests.arrival(of: load.ledger, at: ["/a"], of: receiver)
                    let audit = load.ledger.audit(receiver.requests(at: "/a"))
                    report(
                        "planned failover, \(durability.rawValue), run \(run)",
                        "no 201 for \(windows.map(\.milliseconds)) ms; \(audit.promised) answered 201, lost"
                            + " \(audit.missing.count), repeats \(audit.repeats); posts again"
                            + " \(afterSwitch.map(\.milliseconds)) ms after the switch; other answers"
                            + " \(load.ledger.refused)")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean)
                    #expect(load.ledger.refused.keys.allSatisfy { $0 == 503 })
                }
            }
        }

        @Test(arguments: Durability.allCases, FailoverOutcome.runs)
        func `A master killed under load is replaced, and what was replicated is there`(
            durability: Durability, run: Int
        ) async throws {
            try await Self.killMaster(durability, run: run, "master killed")
        }

        @Test(arguments: FailoverOutcome.runs)
        func `Where every wire is encrypted, a master killed under load is replaced, and nothing is lost`(
            run: Int
        ) async throws {
            try await withRedisCertificates { certificates in
                try await Self.killMaster(.replicated, run: run, "master killed, TLS", certificates)
            }
        }

        private static func killMaster(
            _ durability: Durability, run: Int, _ name: String, _ certificates: RedisCertificates? = nil
        ) async throws {
            var random = SeededGenerator(seed: UInt64(run))
            let more = random.pick([3, 40, 150, 400])
            let (own, arguments) = durability.ofThreeServers
            let settings = own.merging(certificates?.environment ?? [:]) { $1 }
            try await withSentinels(appendOnly: true, certificates: certificates, arguments: arguments) {
                sentinels async throws in
                try await Self.withLoad(on: sentinels, settings: settings) { load, deployment, receiver in
                    let old = try await sentinels.master()
                    let count = load.ledger.accepted.count + more
                    _ = try await eventually { load.ledger.accepted.count >= count ? true : nil }
                    await old.kill()
                    let killed = ContinuousClock.now
                    let new = try await sentinels.master(after: old)
                    let promoted = ContinuousClock.now
                    // It comes back as a replica, and takes no client along.
                    try await old.start()
                    #expect(try await sentinels.becomesReplica(old))
                    _ = try await Self.recovery(of: load.ledger)
                    load.stop()
                    let outcome = try await FailoverOutcome(
                        of: load, at: "/a", of: receiver, durability, begun: killed, settled: promoted)
                    outcome.check("\(name), \(durability.rawValue), run \(run)", load, deployment)
                    #expect(new !== old)
                }
            }
        }

        /// Runs callers against an API and a notifier, and ends the load with the body.
        static func withLoad(
            on sentinels: SentinelDeployment, settings: [String: String] = [:],
            _ body: @Sendable (Load, Deployment, WebhookReceiver) async throws -> Void
        ) async throws {
            let redis = sentinels.servers[0]
            let settings = settings.merging(["HERALD_NOTIFIER_LEASE": "5"]) { own, _ in own }
            try await withProcesses(of: Deployment(redis: redis, at: sentinels.url(), settings: settings)) {
                deployment in
                try await WebhookReceiver.with { receiver in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let load = Load(Ledger(), on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 8, pause: .milliseconds(5))
                    _ = try await Self.recovery(of: load.ledger)
                    try await body(load, deployment, receiver)
                    load.stop()
                    await posting
                    #expect(api.process.exit == nil && notifier.process.exit == nil, "\(deployment.logs)")
                }
            }
        }

        /// Waits until 200 more posts were answered 201.
        static func recovery(of ledger: Ledger) async throws -> Duration {
            let (before, started) = (ledger.accepted.count, ContinuousClock.now)
            let first = try await eventually(every: .milliseconds(1)) {
                ledger.accepted.count > before ? ContinuousClock.now - started : nil
            }
            let all = try await eventually(within: .seconds(60)) { ledger.accepted.count >= before + 200 ? true : nil }
            #expect(all == true, "posts are not accepted: \(ledger.refused)")
            return try #require(first)
        }

        /// Replaces a master as docs/operations.md says: nothing is acknowledged any more that the next one may not have.
        private static func failOver(_ sentinels: SentinelDeployment, from master: RedisServer) async throws {
            for attempt in 1...3 {
                try await master.command("CLIENT", "PAUSE", "20000", "WRITE")
                let replicated: Bool? = try await eventually { try await Self.isReplicated(master) ? true : nil }
                #expect(replicated == true)
                do {
                    _ = try await sentinels.failOver()
                    return
                } catch {
                    // Sentinels give it up where the next master takes too long; the one of before is the master still.
                    guard attempt < 3 else { throw error }
                    try await master.command("CLIENT", "UNPAUSE")
                }
            }
        }

        /// Whether every replica has what the master has written.
        private static func isReplicated(_ master: RedisServer) async throws -> Bool {
            let role = try await master.command("ROLE").array ?? []
            let (offset, replicas) = (role[1].int, role[2].array ?? [])
            return replicas.count == 2 && replicas.allSatisfy { $0.array?[2].int == offset }
        }
    }
}
