import Documents
import Domain
import Foundation
import Notifier
import Store
import TestKit
import Testing

/// Messages that are collected into one mail, on the whole way from the post to the relay.
@Suite(.serialized) struct DigestDeliveryTests {
    private static let address = "mailto:jo@b.test"

    @discardableResult
    private func subscribe(
        _ deployment: TestDeployment, to address: String = Self.address, queue: QueueAddress? = nil,
        seconds: Int = 3600,
        messages: Int, options: String = "{}"
    ) async throws -> SubscriptionID {
        try await deployment.subscribe(
            address, queue: queue, options: options, pace: Pace(digest: Digest(seconds: seconds, messages: messages)))
    }

    private func messageIDs(_ mails: [TestRelay.Accepted]) -> [String] {
        mails.compactMap { $0.text.firstMatch(of: /Message-ID: (<[^>]*>)/).map { String($0.output.1) } }
    }

    /// The bodies of the notifications of a mail of the form json.
    private func bodies(_ mail: TestRelay.Accepted) throws -> [String] {
        let text = try #require(mail.text.components(separatedBy: "\r\n\r\n").dropFirst().first)
        // Long lines are quoted-printable; what is sent here has no other escape.
        let lines = text.replacing("=\r\n", with: "").replacing("=3D", with: "=")
        struct Notification: Decodable { let body: String }
        return try JSONDecoder().decode([Notification].self, from: Data(lines.utf8)).map(\.body)
    }

    private static let json = #"{"_email": {"format": "json"}}"#

    @Test func `As many messages as a digest takes are one mail at once, each readable and settled`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let id = try await self.subscribe(
                    deployment, messages: 3, options: #"{"_email": {"subject": "Disk {{ body.disk }}"}}"#)
                try await deployment.withMail(over: relay.port) {
                    let ids = try await deployment.post(#"{"disk": "sda"}"#, #"{"disk": "sdb"}"#)
                    try await deployment.post(#"{"disk": "sdc"}"#)
                    let mails = try await relay.accepted(waitingFor: 1)
                    #expect(try await deployment.isSettled())
                    #expect(mails.map(\.to) == [["jo@b.test"]])
                    let text = try #require(mails.first).text
                    #expect(text.contains("Subject: 3 messages from orders\r\n"))
                    let parts = ["1 of 3: Disk sda", "disk: sda", "2 of 3: Disk sdb", "3 of 3: Disk sdc", "disk: sdc"]
                    let places = parts.compactMap { text.range(of: $0)?.lowerBound }
                    #expect(places.count == 5 && places == places.sorted(), "\(text)")
                    let health = try #require(
                        try await deployment.store.deliveries.health(of: deployment.queue, subscription: id))
                    #expect(Set(health.log.attempts.map(\.position)).count == 3 && health.log.succeeded == 3)
                    let first = try #require(ids.first)
                    let status = try await deployment.store.deliveries.statuses(
                        of: first.position, in: deployment.queue, after: nil, limit: 1
                    ).first
                    let view = DeliveryStatusView(
                        try #require(status), delivery: DeliveryID(text: "1"), mustConfirm: false)
                    #expect(view.state == .delivered)
                }
                #expect(try relay.accepted().count == 1)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A digest is sent when its time is over, also by a notifier that starts meanwhile`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await self.subscribe(deployment, seconds: 4, messages: 50, options: Self.json)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#""1""#, #""2""#)
                    _ = try await eventually { () async throws -> Bool? in
                        let looks = try await deployment.store.deliveries.status(of: [0, 1, 2, 3])
                        return looks.contains { $0.nextDue != nil } ? true : nil
                    }
                }
                #expect(try relay.accepted().isEmpty)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#""3""#)
                    let mails = try await relay.accepted(waitingFor: 1)
                    #expect(try await deployment.isSettled())
                    #expect(try mails.map(self.bodies) == [["1", "2", "3"]])
                    #expect(mails.first?.text.contains("subject: 3 messages from orders\r\n") == true)
                }
                #expect(try relay.accepted().count == 1)
            }
        }
    }

    @Test func `What a notifier that died had taken is one mail, with all of it`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await self.subscribe(deployment, messages: 20, options: Self.json)
                try await deployment.post((0..<20).map { #""\#($0)""# })
                #expect(try await deployment.takeAll().isEmpty)
                var leases: [Lease] = []
                for shard in 0..<deployment.store.deliveries.shards {
                    leases += try await deployment.store.deliveries.lease(
                        shard, allowance: LeaseAllowance(capacity: 10), lease: .seconds(2)
                    ).leases
                }
                #expect(leases.count == 20, "one attempt, whatever it holds")
                try await deployment.withMail(over: relay.port) {
                    let mails = try await relay.accepted(waitingFor: 1)
                    #expect(try await deployment.isSettled())
                    #expect(try mails.map(self.bodies) == [(0..<20).map(String.init)])
                }
                #expect(try relay.accepted().count == 1)
            }
        }
    }

    @Test func `A digest that is repeated is the same mail with the same Message-ID; another one has another`()
        async throws
    {
        try await TestRelay.with { relay async throws in
            try relay.set([
                TestRelay.Rule("dot", "close", times: 1), TestRelay.Rule("rcpt", "451 4.7.1 Later", times: 1),
            ])
            try await withTestDeployment { deployment async throws in
                let options = #"{"_email": {"format": "json"}, "_retry_policy": {"retries_with_no_delay": 5}}"#
                // More than the results of one settlement.
                try await self.subscribe(deployment, messages: 80, options: options)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post((0..<80).map { #""\#($0)""# })
                    let mails = try await relay.accepted(waitingFor: 2)
                    #expect(try mails.map(self.bodies) == Array(repeating: (0..<80).map(String.init), count: 2))
                    #expect(Set(self.messageIDs(mails)).count == 1 && self.messageIDs(mails).count == 2)
                    #expect(try await deployment.isSettled())
                    try await deployment.post((0..<80).map { #""\#($0)""# })
                    let all = try await relay.accepted(waitingFor: 3)
                    #expect(Set(self.messageIDs(all)).count == 2)
                    #expect(try await deployment.isSettled())
                }
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A refused digest is a dead letter for each message, which are sent again together`() async throws {
        try await TestRelay.with { relay async throws in
            try relay.set([TestRelay.Rule("rcpt", "550 5.1.1 Unknown", times: 1)])
            try await withTestDeployment { deployment async throws in
                try await self.subscribe(deployment, messages: 2, options: Self.json)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#""1""#, #""2""#)
                    let deadLetters = try await deployment.deadLetters(waitingFor: 2)
                    #expect(deadLetters.map(\.summary) == ["refused 550", "refused 550"])
                    let outcomes = try await deployment.store.deliveries.redrive(
                        deadLetters.map { ($0.subscription, $0.position) }, of: deployment.queue, confirmedOnly: [],
                        due: nil, step: .zero
                    ).outcomes
                    #expect(outcomes == [.enqueued, .enqueued])
                    let mails = try await relay.accepted(waitingFor: 1)
                    #expect(try mails.map(self.bodies) == [["1", "2"]])
                    #expect(try await deployment.isSettled())
                }
            }
        }
    }

    @Test func `What expires, or whose subscriber leaves, before the digest is sent is not in it`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let second = QueueAddress(project: deployment.queue.project, name: try QueueName("second"))
                try await self.subscribe(deployment, seconds: 5, messages: 50, options: Self.json)
                let gone = try await self.subscribe(deployment, queue: second, seconds: 5, messages: 50)
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post(#""short""#, ttl: 1)
                    try await deployment.post(#""long""#)
                    try await deployment.post("1", "2", to: second)
                    try await deployment.store.subscriptions.delete(second, id: gone)
                    let mails = try await relay.accepted(waitingFor: 1)
                    #expect(try await deployment.isSettled())
                    #expect(mails.count == 1 && mails.first?.text.contains(#""body":"long""#) == true)
                    #expect(mails.first?.text.contains("short") == false)
                    #expect(try await deployment.deadLetters().map(\.reason) == [.expired])
                }
            }
        }
    }

    @Test func `A suppressed address gets no digest: each of its messages is a dead letter`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await self.subscribe(deployment, messages: 3)
                try await deployment.store.suppressions.add(
                    "jo@b.test", of: deployment.queue.project, .permanent, detail: "550")
                try await deployment.withMail(over: relay.port) {
                    try await deployment.post("1", "2", "3")
                    let deadLetters = try await deployment.deadLetters(waitingFor: 3)
                    #expect(deadLetters.map(\.reason) == [.suppressed, .suppressed, .suppressed])
                    #expect(try await deployment.isSettled())
                }
                #expect(try relay.accepted().isEmpty)
            }
        }
    }

    @Test func `What an address may not be sent this hour waits to be one mail, where that is set`() async throws {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                try await deployment.subscribe(Self.address)
                var settings = EngineSettings()
                settings.addressHourlyMax = 1
                settings.collectsExcess = true
                try await deployment.withMail(over: relay.port, settings: settings) {
                    try await deployment.post("1")
                    #expect(try await relay.accepted(waitingFor: 1).count == 1)
                    let ids = try await deployment.post("2", "3", "4")
                    let untils = try await eventually { () async throws -> Set<Timestamp>? in
                        var untils: [Timestamp] = []
                        for id in ids {
                            let status = try await deployment.store.deliveries.statuses(
                                of: id.position, in: deployment.queue, after: nil, limit: 1
                            ).first
                            guard case .waiting(.digest, let until?) = status?.stage else { return nil }
                            untils.append(until)
                        }
                        return Set(untils)
                    }
                    #expect(untils?.count == 1, "all are due at the same moment")
                }
                #expect(try relay.accepted().count == 1)
            }
        }
    }

    @Test func `Two projects have digests of their own, and a digest is one of the mails an address gets`() async throws
    {
        try await TestRelay.with { relay async throws in
            try await withTestDeployment { deployment async throws in
                let other = QueueAddress(project: try ProjectID("other"), name: deployment.queue.name)
                for queue in [deployment.queue, other] {
                    try await self.subscribe(deployment, queue: queue, messages: 2, options: Self.json)
                }
                var settings = EngineSettings()
                settings.addressHourlyMax = 1
                try await deployment.withMail(over: relay.port, settings: settings) {
                    try await deployment.post(#""1""#, #""2""#)
                    try await deployment.post(#""3""#, #""4""#, to: other)
                    let mails = try await relay.accepted(waitingFor: 2)
                    let bodies = try mails.map(self.bodies).sorted { $0[0] < $1[0] }
                    #expect(bodies == [["1", "2"], ["3", "4"]])
                    #expect(try await deployment.isSettled())
                }
            }
        }
    }
}
