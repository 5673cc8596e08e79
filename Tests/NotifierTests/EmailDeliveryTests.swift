import Domain
import Foundation
import Notifier
import Store
import TestKit
import Testing

/// What the engine does with mail that the relay takes, defers, refuses, or cannot be asked about.
@Suite(.serialized) struct EmailDeliveryTests {
    private func health(_ deployment: TestDeployment, _ id: SubscriptionID) async throws -> SubscriptionHealth {
        try #require(try await deployment.store.deliveries.health(of: deployment.queue, subscription: id))
    }

    @Test func `A message becomes a mail to each subscriber, and is settled when the relay has it`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await deployment.subscribe("mailto:a@b.test")
                try await deployment.subscribe(
                    "mailto:c%2Bx@b.test?subject=Hi%20there", options: #"{"_email": {"body": "Disk {{ body.disk }}"}}"#)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#"{"disk": "sda"}"#)
                    #expect(try await deployment.isSettled())
                }
                let mails = try relay.accepted().sorted { $0.to[0] < $1.to[0] }
                #expect(mails.map(\.to) == [["a@b.test"], ["c+x@b.test"]])
                try #require(mails.count == 2)
                #expect(
                    mails[0].text.contains("disk: sda") && mails[0].text.contains("Subject: Message from orders\r\n"))
                #expect(mails[1].text.contains("Disk sda") && mails[1].text.contains("Subject: Hi there\r\n"))
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `Mails are made from the template of their queue, as it is some seconds later at most`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await deployment.subscribe("mailto:a@b.test")
                try await deployment.subscribe("mailto:c@b.test", options: #"{"_email": {"body": "Own"}}"#)
                let queues = deployment.store.queues
                @Sendable func metadata(_ word: String) -> [UInt8] {
                    Array(#"{"_email": {"subject": "\#(word) {{ body.disk }}", "body": "\#(word)"}}"#.utf8)
                }
                _ = try await queues.update(deployment.queue) { _ in (metadata("First"), QueueAttributes()) }
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#"{"disk": "sda"}"#)
                    #expect(try await deployment.isSettled())
                    let mails = try relay.accepted().sorted { $0.to[0] < $1.to[0] }
                    try #require(mails.count == 2)
                    #expect(mails.allSatisfy { $0.text.contains("Subject: First sda\r\n") })
                    #expect(mails[0].text.contains("\r\nFirst\r\n") && mails[1].text.contains("\r\nOwn\r\n"))
                    _ = try await queues.update(deployment.queue) { _ in (metadata("Second"), QueueAttributes()) }
                    let isNew = try await eventually(within: .seconds(40), every: .seconds(1)) {
                        try await deployment.post(#"{"disk": "sda"}"#)
                        #expect(try await deployment.isSettled())
                        return try relay.accepted().contains { $0.text.contains("Subject: Second sda\r\n") }
                            ? true : nil
                    }
                    #expect(isNew == true)
                }
            }
        }
    }

    @Test func `A refused mail is a dead letter, a deferred one is tried again with the same Message-ID`() async throws
    {
        try await TestRelay.with { relay async throws in
            try relay.set([
                TestRelay.Rule("rcpt", "550 5.1.1 Unknown", match: "unknown"),
                TestRelay.Rule("rcpt", "451 4.7.1 Greylisted", match: "grey", times: 2),
                TestRelay.Rule("dot", "close", match: "lost", times: 1),
            ])
            try await withTestDeployment { deployment async throws in
                let quick = #"{"_retry_policy": {"retries_with_no_delay": 5}}"#
                let unknown = try await deployment.subscribe("mailto:unknown@b.test", options: quick)
                let grey = try await deployment.subscribe("mailto:grey@b.test", options: quick)
                try await deployment.subscribe("mailto:lost@b.test", options: quick)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post("1")
                    let deadLetters = try await deployment.deadLetters(waitingFor: 1)
                    #expect(
                        deadLetters.map(\.subscription) == [unknown] && deadLetters.map(\.summary) == ["refused 550"])
                    #expect(try await deployment.isSettled())
                }
                let attempts = try await self.health(deployment, grey).log.attempts.map(\.report.end)
                #expect(attempts == [.answered(code: 250), .answered(code: 451), .answered(code: 451)])
                let lost = try relay.accepted().filter { $0.to == ["lost@b.test"] }
                let ids = lost.compactMap { $0.text.firstMatch(of: /Message-ID: (<[^>]*>)/)?.output.1 }
                #expect(ids.count == 2 && Set(ids).count == 1, "one repeat, which its receiver can recognise")
            }
        }
    }

    @Test func `A relay that takes longer than a lease to answer a mail gets it once`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("dot", "late", seconds: 5)])
            try await withTestDeployment { deployment async throws in
                let id = try await deployment.subscribe("mailto:a@b.test")
                var settings = EngineSettings()
                settings.lease = .seconds(1)
                try await deployment.withMail(over: relay.port, settings: settings) {
                    try await deployment.post("1")
                    _ = try await relay.accepted(waitingFor: 1)
                    #expect(try await deployment.isSettled())
                }
                #expect(try relay.accepted().count == 1)
                let attempts = try await self.health(deployment, id).log.attempts
                #expect(attempts.map(\.report.end) == [.answered(code: 250)] && attempts.map(\.attempt) == [1])
            }
        }
    }

    @Test func `A stop lets a mail finish that the relay has, and writes its end down`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("dot", "late", seconds: 1)])
            try await withTestDeployment { deployment async throws in
                let id = try await deployment.subscribe("mailto:a@b.test")
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post("1")
                    #expect(try await relay.accepted(waitingFor: 1).count == 1)
                }
                #expect(try await deployment.isSettled())
                #expect(try await self.health(deployment, id).log.succeeded == 1)
            }
        }
    }

    @Test func `A relay that is away pauses no subscription, and its mails go out when it is back`() async throws {
        let port = try await freeLoopbackPort()
        try await withTestDeployment { deployment async throws in
            let id = try await deployment.subscribe("mailto:a@b.test")
            try await deployment.withMail(over: port) {
                try await deployment.post(Array(repeating: "1", count: 30))
                // Over the first pause of the relay, of 1 s, and into the second.
                let hasPaused = try await eventually {
                    let starts = try await self.health(deployment, id).log.attempts.map(\.report.startedAt.milliseconds)
                    return (starts.max() ?? 0) - (starts.min() ?? 0) >= 2000 ? true : nil
                }
                #expect(hasPaused == true)
                let health = try await self.health(deployment, id)
                #expect(health.probeAt == nil && health.failures == nil && health.disabledSince == nil)
                #expect(health.log.attempts.allSatisfy { $0.report.end == .unreachable(.connect) && $0.attempt == 1 })
                #expect(try await deployment.deadLetters().isEmpty)
                try await TestRelay.with(port: port) { relay async throws in
                    #expect(try await relay.accepted(waitingFor: 30).count == 30)
                    #expect(try await deployment.isSettled())
                    #expect(try relay.accepted().count == 30)
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func `One message reaches 10,000 subscribers by mail, each once`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let count = 10_000
                for number in 0..<count { try await deployment.subscribe("mailto:a\(number)@b.test") }
                let started = ContinuousClock.now
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#"{"disk": "sda"}"#)
                    let isSettled = try await eventually(within: .seconds(240), every: .milliseconds(200)) {
                        try await deployment.isSettled() ? true : nil
                    }
                    #expect(isSettled == true)
                }
                let seconds = (ContinuousClock.now - started) / .seconds(1)
                let mails = try relay.accepted()
                #expect(mails.count == count && Set(mails.map { $0.to[0] }).count == count)
                #expect(try await deployment.deadLetters().isEmpty)
                print("10,000 mails in \(Int(seconds)) s, \(Int(Double(count) / seconds)) a second")
            }
        }
    }

    @Test func `A slow relay does not hold webhooks up`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("rcpt", "hang")])
            try await WebhookReceiver.with { receiver async throws in
                try await withTestDeployment { deployment async throws in
                    try await deployment.subscribe("mailto:a@b.test")
                    try await deployment.subscribe(receiver.url())
                    try await deployment.withMail(over: relay.port) {
                        try await deployment.post(Array(repeating: "1", count: 20))
                        try await receiver.waitFor(count: 20)
                        let isHanging = try await eventually { try relay.count("rcpt") > 0 ? true : nil }
                        #expect(try isHanging == true && relay.accepted().isEmpty)
                    }
                }
            }
        }
    }
}
