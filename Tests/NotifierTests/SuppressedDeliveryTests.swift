import Domain
import NIOPosix
import Notifier
import Redis
import Store
import TestKit
import Testing

/// What becomes of deliveries to addresses that their project suppressed.
@Suite(.serialized) struct SuppressedDeliveryTests {
    private static let address = "jo@b.test"

    private func suppress(_ address: String, in deployment: TestDeployment) async throws {
        try await deployment.store.suppressions.add(address, of: deployment.queue.project, .permanent, detail: "550")
    }

    @Test func `Nothing is sent to a suppressed address of the project, however it is spelled; others are served`()
        async throws
    {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let other = QueueAddress(project: try ProjectID("other"), name: deployment.queue.name)
                let id = try await deployment.subscribe("mailto:JO@B.test?subject=Hi")
                try await deployment.subscribe("mailto:ann@b.test")
                try await deployment.subscribe("mailto:\(Self.address)", queue: other)
                try await self.suppress(Self.address, in: deployment)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post("1")
                    try await deployment.post("2", to: other)
                    #expect(try await deployment.isSettled())
                }
                #expect(try relay.accepted().flatMap(\.to).sorted() == ["ann@b.test", Self.address])
                let deadLetters = try await deployment.deadLetters()
                #expect(deadLetters.map(\.subscription) == [id] && deadLetters.map(\.reason) == [.suppressed])
                #expect(deadLetters.map(\.summary) == ["the address is suppressed"])
                #expect(deadLetters.allSatisfy { $0.hasBody })
                let health = try #require(
                    try await deployment.store.deliveries.health(of: deployment.queue, subscription: id))
                #expect(health.log.attempts.isEmpty && health.failures == nil, "nothing was attempted, nothing failed")
                let statuses = try await deployment.store.deliveries.statuses(
                    of: try #require(deadLetters.first).position, in: deployment.queue, after: nil, limit: 1)
                let status = try #require(statuses.first)
                let view = DeliveryStatusView(status, delivery: DeliveryID(text: "1"), mustConfirm: false)
                #expect(view.state == .deadLetter && view.rule == "suppressed")
            }
        }
    }

    @Test func `A dead letter of a suppressed address arrives when it is sent again after the suppression`()
        async throws
    {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await deployment.subscribe("mailto:\(Self.address)")
                try await self.suppress(Self.address, in: deployment)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post("1")
                    func redrive() async throws -> [RedriveOutcome] {
                        let deadLetters = try await deployment.deadLetters(waitingFor: 1)
                        return try await deployment.store.deliveries.redrive(
                            deadLetters.map { ($0.subscription, $0.position) }, of: deployment.queue,
                            confirmedOnly: [], due: nil, step: .zero
                        ).outcomes
                    }
                    #expect(try await redrive() == [.enqueued])
                    #expect(try await deployment.deadLetters(waitingFor: 1).map(\.reason) == [.suppressed])
                    #expect(
                        try await deployment.store.suppressions.remove(Self.address, of: deployment.queue.project))
                    #expect(try await redrive() == [.enqueued])
                    #expect(try await relay.accepted(waitingFor: 1).map(\.to) == [[Self.address]])
                    #expect(try await deployment.isSettled())
                }
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A suppressed address is not asked to confirm`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let subscriber = "mailto:\(Self.address)"
                let id = try await deployment.subscribe(subscriber)
                try await self.suppress(Self.address, in: deployment)
                let request = ConfirmationRequest(
                    kind: .subscriptionConfirmation, subscriber: subscriber, at: Timestamp(milliseconds: 0), ttl: 600,
                    linkExpiry: 4_000_000_000, document: Array(#"{"queue_name":"orders","Link":"http://a.test"}"#.utf8))
                #expect(
                    try await deployment.store.subscriptions.requestConfirmation(deployment.queue, id: id, request)
                        == .requested)
                try await deployment.withMail(over: relay.port) { () async throws in
                    #expect(try await deployment.deadLetters(waitingFor: 1).map(\.reason) == [.suppressed])
                    #expect(try await deployment.isSettled())
                }
                #expect(try relay.accepted().isEmpty)
            }
        }
    }

    @Test func `Many recipients cost few calls of Redis`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let count = 2_000
                for number in 0..<count {
                    let address = "a\(number)@b.test"
                    try await deployment.subscribe("mailto:\(address)")
                    try await self.suppress(address, in: deployment)
                }
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post("1")
                    #expect(try await deployment.deadLetters(waitingFor: 1_000).count == 1_000)
                    #expect(try await deployment.isSettled())
                }
                let info = try await deployment.redis.command("INFO", "commandstats").text ?? ""
                let calls = try #require(
                    info.firstMatch(of: /cmdstat_zmscore:calls=(\d+)/).flatMap { Int($0.output.1) })
                // Settling asks by this command, too: once in its script.
                #expect(calls < count / 4, "\(calls) calls")
                #expect(try relay.accepted().isEmpty)
            }
        }
    }

    @Test func `While suppressions cannot be read mails wait, and webhooks are sent`() async throws {
        try await TestRelay.with { relay async throws in
            try await WebhookReceiver.with { receiver async throws in
                try await withTestDeployment { deployment async throws in
                    try await deployment.subscribe("mailto:\(Self.address)")
                    try await deployment.subscribe(receiver.url())
                    let key = "herald:{control}:suppression-order:\(deployment.queue.project.text)"
                    // Of another type than it should be: every look-up is an error.
                    _ = try await deployment.redis.command("SET", key, "x")
                    try await deployment.withMail(over: relay.port) {
                        try await deployment.post("1")
                        try await receiver.waitFor(count: 1)
                        // The mail was looked at, and waits for another time.
                        let isPostponed = try await eventually {
                            let shards = Array(0..<deployment.store.deliveries.shards)
                            let looks = try await deployment.store.deliveries.status(of: shards)
                            return looks.contains { $0.nextDue != nil } ? true : nil
                        }
                        #expect(isPostponed == true)
                        #expect(try relay.accepted().isEmpty)
                        _ = try await deployment.redis.command("DEL", key)
                        #expect(try await relay.accepted(waitingFor: 1).count == 1)
                        #expect(try await deployment.isSettled())
                    }
                    #expect(try await deployment.deadLetters().isEmpty)
                }
            }
        }
    }

    @Test func `While the control store hangs, webhooks of the same queue are sent, also those posted later`()
        async throws
    {
        try await TestRelay.with { relay async throws in
            try await WebhookReceiver.with { receiver async throws in
                try await withTestDeployment { deployment async throws in
                    try await LossyRedis.with(deployment.redis) { proxy, endpoint async throws in
                        // It waits for longer than any condition below.
                        let client = RedisClient(
                            url: RedisURL(endpoint), deadline: .seconds(120),
                            eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
                        let control = try await Store.open(on: client, shards: 4, logger: quietLogger())
                        try await deployment.subscribe("mailto:\(Self.address)")
                        try await deployment.subscribe(receiver.url())
                        try await deployment.withMail(over: relay.port, control: control) {
                            try await proxy.losingReplies {
                                try await deployment.post("1")
                                #expect(try await receiver.waitFor(count: 1).count == 1)
                                try await deployment.post("2", "3")
                                #expect(try await receiver.waitFor(count: 3).count == 3)
                                #expect(try relay.accepted().isEmpty)
                            }
                            let mails = try await relay.accepted(waitingFor: 3)
                            #expect(mails.map(\.to) == Array(repeating: [Self.address], count: 3))
                            #expect(try await deployment.isSettled())
                        }
                        await client.shutDown()
                    }
                }
            }
        }
    }

    @Test func `An address gets so many mails of a project in an hour, and the rest waits`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let other = QueueAddress(project: try ProjectID("other"), name: deployment.queue.name)
                let second = QueueAddress(project: deployment.queue.project, name: try QueueName("second"))
                for queue in [deployment.queue, other, second] {
                    try await deployment.subscribe("mailto:\(Self.address)", queue: queue)
                }
                try await deployment.subscribe("mailto:ann@b.test")
                var settings = EngineSettings()
                settings.addressHourlyMax = 3
                try await deployment.withMail(over: relay.port, settings: settings) {
                    try await deployment.post("1", "2")
                    #expect(try await relay.accepted(waitingFor: 4).count == 4)
                    try await deployment.post("3", "4", to: second)
                    try await deployment.post("5", to: other)
                    #expect(try await relay.accepted(waitingFor: 6).count == 6)
                    _ = try await deployment.redis.command("CONFIG", "RESETSTAT")
                    try await Task.sleep(for: .seconds(2))
                    // What waits is not asked for again and again: the status of 16 shards, and little else.
                    let info = try await deployment.redis.command("INFO", "commandstats").text ?? ""
                    let calls = info.firstMatch(of: /cmdstat_evalsha:calls=(\d+)/).flatMap { Int($0.output.1) } ?? 0
                    #expect(calls < 200, "\(info)")
                    let to = Dictionary(grouping: try relay.accepted().map { $0.to[0] }) { $0 }.mapValues(\.count)
                    #expect(to == [Self.address: 4, "ann@b.test": 2], "three of one project, one of the other")
                    #expect(try await deployment.deadLetters().isEmpty)
                    // An hour later: as if the times had passed.
                    let key =
                        "herald:{control}:address-times:\(second.project.text.utf8.count):\(second.project.text):\(Self.address)"
                    #expect(try await deployment.redis.command("ZCARD", key).int == 3)
                }
            }
        }
    }

    @Test func `What is not sent, since its subscriber has not confirmed, takes nothing of what an address gets`()
        async throws
    {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let noise = QueueAddress(project: deployment.queue.project, name: try QueueName("noise"))
                let confirmed = try await deployment.subscribe("mailto:\(Self.address)")
                try await deployment.subscribe("mailto:\(Self.address)", queue: noise)
                #expect(try await deployment.store.subscriptions.confirm(deployment.queue, id: confirmed, true))
                var settings = EngineSettings()
                settings.addressHourlyMax = 2
                settings.confirmedOnly = [.email]
                try await deployment.withMail(over: relay.port, settings: settings) {
                    try await deployment.post("1", "2", "3", "4", to: noise)
                    #expect(try await deployment.isSettled())
                    try await deployment.post("5", "6")
                    #expect(try await relay.accepted(waitingFor: 2).count == 2)
                }
            }
        }
    }
}
