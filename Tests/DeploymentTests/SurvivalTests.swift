import Foundation
import NIOCore
import TestKit
import Testing

extension OutageTests {
    /// What is promised survives the death of any process.
    struct SurvivalTests {
        @Test func `Notifiers killed again and again lose nothing`() async throws {
            let seed = UInt64.random(in: 1...UInt64.max)
            var dice = SeededGenerator(seed: seed)
            try await withDeployment(settings: ["HERALD_NOTIFIER_LEASE": "5"]) { deployment in
                try await WebhookReceiver.with(answers: Self.slightlySlow) { receiver in
                    let api = try await deployment.startAPI()
                    for path in ["/a", "/b"] {
                        try await Load.subscribe(receiver.url(path), to: "jobs", on: api.address)
                    }
                    var notifiers = [try await deployment.startNotifier(), try await deployment.startNotifier()]
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 8, posts: 2000, pause: .milliseconds(25))
                    var kills = 0
                    while ledger.accepted.count < 2000 {
                        let next = min(ledger.accepted.count + 60, 2000)
                        _ = try await eventually { ledger.accepted.count >= next ? true : nil }
                        let victim = Int.random(in: 0..<notifiers.count, using: &dice)
                        notifiers[victim].process.signal(SIGKILL)
                        await notifiers[victim].process.waitForExit()
                        notifiers[victim] = try await deployment.startNotifier()
                        kills += 1
                    }
                    await posting
                    let all = try await Self.arrival(of: ledger, at: ["/a", "/b"], of: receiver)
                    let audits = ["/a", "/b"].map { ledger.audit(receiver.requests(at: $0)) }
                    report(
                        "notifiers killed",
                        "seed \(seed), \(kills) kills, \(ledger.accepted.count) posts × 2 subscribers,"
                            + " lost \(audits.map(\.missing.count)), repeats \(audits.map(\.repeats))")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    for audit in audits { #expect(audit.isClean) }
                }
            }
        }

        @Test func `An API killed under load keeps every promise it made`() async throws {
            try await withDeployment { deployment in
                try await WebhookReceiver.with { receiver in
                    var api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 16)
                    let kills = 5
                    for kill in 1...kills {
                        let before = ledger.accepted.count
                        _ = try await eventually { ledger.accepted.count >= before + 200 ? true : nil }
                        api.process.signal(SIGKILL)
                        await api.process.waitForExit()
                        if kill <= kills { api = try await deployment.startAPI(listen: api.address) }
                    }
                    load.stop()
                    await posting
                    let all = try await Self.arrival(of: ledger, at: ["/a"], of: receiver)
                    let audit = ledger.audit(receiver.requests(at: "/a"))
                    report(
                        "API killed",
                        "\(kills) kills, \(audit.promised) answered 201, \(ledger.unknown.count) without an answer,"
                            + " lost \(audit.missing.count), repeats \(audit.repeats)")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean)
                    #expect(ledger.refused.isEmpty)
                }
            }
        }

        @Test(arguments: [false, true])
        func `Redis restarted under load loses nothing, and both processes recover by themselves`(
            killing: Bool
        ) async throws {
            try await withDeployment(appendOnly: true) { deployment in
                try await WebhookReceiver.with { receiver in
                    let api = try await deployment.startAPI()
                    let notifier = try await deployment.startNotifier()
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 8, pause: .milliseconds(5))
                    var recoveries: [(post: Duration, delivery: Duration)] = []
                    for _ in 1...3 {
                        let before = ledger.accepted.count
                        _ = try await eventually { ledger.accepted.count >= before + 200 ? true : nil }
                        try await deployment.redis.restart(killing: killing)
                        let up = ContinuousClock.now
                        let accepted = ledger.accepted.count
                        let posted = try await eventually(every: .milliseconds(1)) {
                            ledger.accepted.count > accepted ? ContinuousClock.now - up : nil
                        }
                        let arrived = receiver.count
                        let delivered = try await eventually(every: .milliseconds(1)) {
                            receiver.count > arrived ? ContinuousClock.now - up : nil
                        }
                        recoveries.append((try #require(posted), try #require(delivered)))
                    }
                    load.stop()
                    await posting
                    let all = try await Self.arrival(of: ledger, at: ["/a"], of: receiver)
                    let audit = ledger.audit(receiver.requests(at: "/a"))
                    report(
                        "Redis \(killing ? "killed" : "restarted")",
                        "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats);"
                            + " first post after \(recoveries.map { $0.post.milliseconds }) ms,"
                            + " first delivery after \(recoveries.map { $0.delivery.milliseconds }) ms;"
                            + " other answers \(ledger.refused)")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean)
                    #expect(api.process.exit == nil && notifier.process.exit == nil)
                    #expect(ledger.refused.keys.allSatisfy { $0 == 503 })
                }
            }
        }

        /// An endpoint that takes a moment: there is always something in flight to be killed.
        static let slightlySlow: [String: ReceiverAnswer] = [
            "/a": .delayed(.milliseconds(20), .status(204)), "/b": .delayed(.milliseconds(20), .status(204)),
        ]

        /// Waits until all that was promised has arrived at each path.
        static func arrival(of ledger: Ledger, at paths: [String], of receiver: WebhookReceiver) async throws -> Bool {
            try await eventually(within: .seconds(90), every: .milliseconds(200)) {
                paths.allSatisfy { ledger.audit(receiver.requests(at: $0)).missing.isEmpty } ? true : nil
            } ?? false
        }
    }
}
