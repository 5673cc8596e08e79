import Foundation
import NIOCore
import TestKit
import Testing

extension DeploymentTests {
    /// A stop is not a failure.
    struct ShutdownTests {
        @Test func `An API asked to stop answers what it has accepted`() async throws {
            try await withDeployment { deployment in
                try await WebhookReceiver.with { receiver in
                    var api = try await deployment.startAPI()
                    _ = try await deployment.startNotifier()
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 16)
                    var exits: [Duration] = []
                    for _ in 1...3 {
                        let before = ledger.accepted.count
                        _ = try await eventually { ledger.accepted.count >= before + 200 ? true : nil }
                        let asked = ContinuousClock.now
                        api.process.signal(SIGTERM)
                        #expect(await api.process.waitForExit() == .status(0))
                        exits.append(ContinuousClock.now - asked)
                        api = try await deployment.startAPI(listen: api.address)
                    }
                    load.stop()
                    await posting
                    let all = try await SurvivalTests.arrival(of: ledger, at: ["/a"], of: receiver)
                    let audit = ledger.audit(receiver.requests(at: "/a"))
                    report(
                        "API stopped",
                        "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats),"
                            + " exits after \(exits.map(\.milliseconds)) ms, other answers \(ledger.refused)")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean && audit.repeats == 0)
                    #expect(ledger.refused.isEmpty, "a request that was accepted is answered properly")
                }
            }
        }

        @Test func `A notifier asked to stop finishes or hands back what it has`() async throws {
            let slow: [String: ReceiverAnswer] = ["/a": .delayed(.milliseconds(100), .status(204))]
            try await withDeployment { deployment in
                try await WebhookReceiver.with(answers: slow) { receiver in
                    let api = try await deployment.startAPI()
                    var notifiers = [try await deployment.startNotifier(), try await deployment.startNotifier()]
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let ledger = Ledger()
                    let load = Load(ledger, on: api.address, to: "jobs")
                    async let posting: Void = load.run(callers: 4, pause: .milliseconds(10))
                    var exits: [Duration] = []
                    for round in 1...4 {
                        let before = receiver.count
                        _ = try await eventually { receiver.count >= before + 50 ? true : nil }
                        let asked = ContinuousClock.now
                        let leaving = notifiers[round % 2].process
                        leaving.signal(SIGTERM)
                        #expect(await leaving.waitForExit() == .status(0))
                        exits.append(ContinuousClock.now - asked)
                        notifiers[round % 2] = try await deployment.startNotifier()
                    }
                    load.stop()
                    await posting
                    let all = try await SurvivalTests.arrival(of: ledger, at: ["/a"], of: receiver)
                    let audit = ledger.audit(receiver.requests(at: "/a"))
                    report(
                        "notifier stopped",
                        "\(audit.promised) answered 201, lost \(audit.missing.count), repeats \(audit.repeats),"
                            + " exits after \(exits.map(\.milliseconds)) ms")
                    #expect(all, "not everything arrived; \(deployment.logs)")
                    #expect(audit.isClean)
                    #expect(audit.repeats == 0, "a polite stop costs no duplicate")
                }
            }
        }

        @Test func `A notifier whose attempts hang hands them back and ends in time`() async throws {
            try await withDeployment(settings: ["HERALD_NOTIFIER_DRAIN": "1"]) { deployment in
                try await WebhookReceiver.with(answers: ["/a": .hang]) { receiver in
                    let api = try await deployment.startAPI()
                    let first = try await deployment.startNotifier()
                    try await Load.subscribe(receiver.url("/a"), to: "jobs", on: api.address)
                    let ledger = Ledger()
                    await Load(ledger, on: api.address, to: "jobs").run(callers: 1, posts: 5)
                    try await receiver.waitFor(count: 5)
                    receiver.answer("/a", with: .status(204))
                    let asked = ContinuousClock.now
                    first.process.signal(SIGTERM)
                    #expect(await first.process.waitForExit() == .status(0))
                    let exit = ContinuousClock.now - asked
                    _ = try await deployment.startNotifier()
                    let repeats = try await receiver.waitFor(count: 10)
                    report("notifier stopped while attempts hang", "exit after \(exit.milliseconds) ms, drain 1 s")
                    #expect(repeats.count == 10)
                    #expect(Set(repeats.compactMap { $0["webhook-id"] }).count == 5)
                }
            }
        }
    }
}
