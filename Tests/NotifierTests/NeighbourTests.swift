import Domain
import HTTPClient
import NIOCore
import Notifier
import Store
import TestKit
import Testing

/// Projects that take all they can get, and what is left to the others.
///
/// Nothing here is measured: what floods never ends by itself, so what arrives arrived beside it.
struct NeighbourTests {
    private static let forever: Duration = .seconds(300)

    private static func settings(concurrency: Int) -> EngineSettings {
        var settings = EngineSettings()
        settings.concurrency = concurrency
        settings.drain = .milliseconds(100)
        return settings
    }

    private static func limits() -> HTTPClientLimits {
        var limits = HTTPClientLimits()
        limits.timeout = Self.forever
        return limits
    }

    private static func queue(_ project: String, _ name: String = "q") throws -> QueueAddress {
        QueueAddress(project: try ProjectID(project), name: try QueueName(name))
    }

    @Test(arguments: TestTopology.allCases)
    func `Attempts that hang leave slots to another project, which goes on in them`(on topology: TestTopology)
        async throws
    {
        try await WebhookReceiver.with(answers: ["/": .hang]) { slow in
            try await WebhookReceiver.with { quick in
                try await topology.withDeployment { deployment in
                    let (loud, quiet) = (try Self.queue("loud"), try Self.queue("quiet"))
                    for number in 0..<150 {
                        try await deployment.subscribe("http://127.0.0.1:\(slow.port)/?\(number)", queue: loud)
                    }
                    try await deployment.subscribe(quick.url(), queue: quiet)
                    try await deployment.withEngine(settings: Self.settings(concurrency: 90), limits: Self.limits()) {
                        engine in
                        try await deployment.post("1", to: loud)
                        try await slow.waitFor(count: 70)
                        for number in 0..<100 { try await deployment.post("\(number)", to: quiet) }
                        try await quick.waitFor(count: 100)
                        #expect(quick.count == 100)
                        #expect((70...86).contains(slow.count))
                        #expect(engine.inFlight.leases < 90)
                    }
                }
            }
        }
    }

    @Test func `Many ports do not help a project to more than its share`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { first in
            try await WebhookReceiver.with(answers: ["/": .hang]) { second in
                try await WebhookReceiver.with { quick in
                    try await withTestDeployment { deployment in
                        let quiet = try Self.queue("quiet")
                        for number in 0..<40 {
                            let queue = try Self.queue("loud", "q\(number % 8)")
                            for receiver in [first, second] {
                                try await deployment.subscribe(receiver.url("/?\(number)"), queue: queue)
                            }
                        }
                        try await deployment.subscribe(quick.url(), queue: quiet)
                        try await deployment.withNotifier(
                            settings: Self.settings(concurrency: 45), limits: Self.limits()
                        ) {
                            for number in 0..<8 {
                                try await deployment.post(["1", "2", "3"], to: try Self.queue("loud", "q\(number)"))
                            }
                            _ = try await eventually { first.count + second.count >= 30 ? true : nil }
                            for number in 0..<50 { try await deployment.post("\(number)", to: quiet) }
                            try await quick.waitFor(count: 50)
                            #expect(quick.count == 50)
                            #expect(first.count + second.count < 45)
                        }
                    }
                }
            }
        }
    }

    @Test func `A large message is counted once for all its attempts`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { slow in
            try await withTestDeployment { deployment in
                for number in 0..<60 { try await deployment.subscribe(slow.url("/?\(number)")) }
                var settings = Self.settings(concurrency: 900)
                settings.bytesInFlight = 4 << 20
                try await deployment.withEngine(settings: settings, limits: Self.limits()) { engine in
                    try await deployment.post("\"\(String(repeating: "x", count: 262_000))\"")
                    try await slow.waitFor(count: 60)
                    #expect(slow.count == 60)
                    #expect((262_000..<530_000).contains(engine.inFlight.bytes), "60 times would be 15 MB")
                }
            }
        }
    }

    @Test func `Bodies of templates fill the share of their project, and another project goes on`() async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { slow in
            try await WebhookReceiver.with { quick in
                try await withTestDeployment { deployment in
                    let (loud, quiet) = (try Self.queue("loud"), try Self.queue("quiet"))
                    let options = #"{"post_data": "{\"copy\": \"$zaqar_message$\"}"}"#
                    for number in 0..<60 {
                        try await deployment.subscribe(slow.url("/?\(number)"), queue: loud, options: options)
                    }
                    try await deployment.subscribe(quick.url(), queue: quiet)
                    var settings = Self.settings(concurrency: 900)
                    settings.bytesInFlight = 9 << 20
                    try await deployment.withEngine(settings: settings, limits: Self.limits()) { engine in
                        try await deployment.post("\"\(String(repeating: "x", count: 262_000))\"", to: loud)
                        try await slow.waitFor(count: 25)
                        for number in 0..<50 { try await deployment.post("\(number)", to: quiet) }
                        try await quick.waitFor(count: 50)
                        #expect(quick.count == 50)
                        #expect(engine.inFlight.bytes < 9 << 20)
                        #expect(slow.count < 60)
                    }
                }
            }
        }
    }

    @Test(arguments: TestTopology.allCases)
    func `What waits for a full host is parked and not leased again and again`(on topology: TestTopology) async throws {
        try await WebhookReceiver.with(answers: ["/": .hang]) { slow in
            try await WebhookReceiver.with { quick in
                try await topology.withDeployment { deployment in
                    for number in 0..<40 { try await deployment.subscribe(slow.url("/?\(number)")) }
                    let quiet = try Self.queue("quiet")
                    try await deployment.subscribe(quick.url(), queue: quiet)
                    var settings = Self.settings(concurrency: 900)
                    settings.hostConcurrency = 9
                    try await deployment.withNotifier(settings: settings, limits: Self.limits()) {
                        try await deployment.post((0..<8).map { "\($0)" })
                        try await slow.waitFor(count: 8)
                        let before = try await deployment.scriptCalls()
                        for number in 0..<100 { try await deployment.post("\(number)", to: quiet) }
                        try await quick.waitFor(count: 100)
                        // Each quiet message takes a call or two, and nothing else is to be leased.
                        let calls = try await deployment.scriptCalls() - before
                        #expect(calls < 800, "\(calls)")
                        #expect(slow.count == 8)
                    }
                }
            }
        }
    }

    @Test func `Subscriptions that were parked get everything once their host answers`() async throws {
        try await WebhookReceiver.with(answers: ["/": .delayed(.milliseconds(20), .status(200))]) { slow in
            try await withTestDeployment { deployment in
                for number in 0..<30 { try await deployment.subscribe(slow.url("/?\(number)")) }
                var settings = EngineSettings()
                settings.hostConcurrency = 4
                try await deployment.withNotifier(settings: settings) {
                    try await deployment.post((0..<10).map { "\($0)" })
                    try await slow.waitFor(count: 300)
                    #expect(try await deployment.isSettled())
                }
                #expect(slow.count == 300)
                #expect(slow.requests.allSatisfy { $0["herald-attempt"] == "1" })
            }
        }
    }
}

/// Faults that made leases collide, with a host at its limit.
struct LostReplyTests {
    @Test func `Lost replies with a full host end no process, lose nothing, and leave nothing in flight`() async throws
    {
        try await WebhookReceiver.with(answers: ["/": .delayed(.milliseconds(30), .status(200))]) { receiver in
            try await withTestDeployment(appendOnly: true) { deployment in
                try await LossyRedis.with(deployment.redis) { proxy, endpoint in
                    for number in 0..<24 { try await deployment.subscribe(receiver.url("/?\(number)")) }
                    var settings = EngineSettings()
                    settings.hostConcurrency = 3
                    settings.lease = .seconds(2)
                    try await deployment.withNotifier(settings: settings, at: endpoint) {
                        for round in 0..<5 {
                            try await deployment.post((0..<10).map { "\(round * 10 + $0)" })
                            try await receiver.waitFor(count: 10 + 30 * round)
                            try await proxy.loseReplies(for: .milliseconds(round.isMultiple(of: 2) ? 300 : 1600))
                        }
                        let expected = 24 * 50
                        let isComplete = try await eventually(within: .seconds(90)) {
                            Set(receiver.requests.compactMap { $0["webhook-id"] }).count == expected ? true : nil
                        }
                        #expect(isComplete == true)
                        #expect(try await deployment.isSettled())
                    }
                    #expect(proxy.lostBytes > 0)
                    #expect(try await deployment.deadLetters().isEmpty)
                }
            }
        }
    }
}
