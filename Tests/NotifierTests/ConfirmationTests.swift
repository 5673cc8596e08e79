import Domain
import Notifier
import Signing
import Store
import TestKit
import Testing

/// Who is asked, who is notified, and what becomes of what nobody can deliver (notifications contract, 2.3 and 7).
struct ConfirmationTests {
    private static let document = #"{"Message_Type":"SubscriptionConfirmation","URL-Signature":"afa7"}"#

    private func ask(_ id: SubscriptionID, at url: String, in house: Deployment) async throws {
        let outcome = try await house.store.subscriptions.ask(
            house.queue, id: id,
            ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: url, at: Timestamp(milliseconds: 0), ttl: 600,
                linkExpiry: 4_000_000_000,
                document: Array(Self.document.utf8)))
        #expect(outcome == .asked)
    }

    @Test func `T-9: a question is a signed webhook of its own kind, tried again like any other`() async throws {
        try await WebhookReceiver.with(answers: ["/": .sequence([.status(503), .status(200)])]) { receiver in
            try await withDeployment { house in
                let id = try await house.subscribe(receiver.url())
                try await self.ask(id, at: receiver.url(), in: house)
                try await house.withNotifier {
                    try await receiver.waitFor(count: 2)
                    #expect(try await house.isSettled())
                }
                let requests = receiver.requests
                #expect(requests.map { $0["herald-attempt"] } == ["1", "2"])
                #expect(requests.map(\.text) == [Self.document, Self.document])
                #expect(Set(requests.compactMap { $0["webhook-id"] }).count == 1)
                let last = try #require(requests.last)
                #expect(last["herald-message-type"] == "SubscriptionConfirmation")
                #expect(last["herald-subscription-id"] == id.text)
                #expect(last["herald-message-id"] == nil)
                let delivery = try #require(last["webhook-id"])
                let timestamp = try #require(last["webhook-timestamp"].flatMap { Int64($0) })
                #expect(
                    last["webhook-signature"]
                        == house.secret(of: id).signature(id: delivery, timestamp: timestamp, body: last.body))
                #expect(try await house.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A question that was answered meanwhile is not sent`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let id = try await house.subscribe(receiver.url())
                try await self.ask(id, at: receiver.url(), in: house)
                #expect(try await house.store.subscriptions.confirm(house.queue, id: id, true))
                try await house.withNotifier { () async throws in #expect(try await house.isSettled()) }
                #expect(receiver.count == 0)
                #expect(try await house.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A question to an address that the subscription no longer has is not sent`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let id = try await house.subscribe(receiver.url("/before"))
                let document = #"{"URL-Expires":"2096-10-02T07:06:40"}"#  // 4,000,000,000 s since the epoch
                let question = ConfirmationRequest(
                    kind: .subscriptionConfirmation, subscriber: receiver.url("/before"),
                    at: Timestamp(milliseconds: 0), ttl: 600, linkExpiry: 4_000_000_000,
                    document: Array(document.utf8))
                #expect(try await house.store.subscriptions.ask(house.queue, id: id, question) == .asked)
                let change = SubscriptionChange(subscriber: try Subscriber(receiver.url("/after")))
                #expect(
                    try await house.store.subscriptions.update(
                        house.queue, id: id, change, resettingConfirmation: true) == .updated)
                try await house.withNotifier { () async throws in #expect(try await house.isSettled()) }
                #expect(receiver.count == 0)
                #expect(try await house.deadLetters().isEmpty)
            }
        }
    }

    @Test(arguments: [(true, 0), (false, 1)])
    func `Who withdraws gets nothing more of what was owed, where that takes consent`(
        confirmedOnly: Bool, sent: Int
    ) async throws {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let id = try await house.subscribe(receiver.url())
                #expect(try await house.store.subscriptions.confirm(house.queue, id: id, true))
                try await house.post("1")
                // The event becomes a delivery that waits; only its attempt can still see the withdrawal.
                for shard in 0..<house.store.deliveries.shards {
                    _ = try await house.store.deliveries.take(
                        shard, allowance: LeaseAllowance(capacity: 0), lease: .seconds(15), confirmedOnly: true)
                }
                #expect(try await house.store.subscriptions.confirm(house.queue, id: id, false))
                var settings = EngineSettings()
                settings.confirmedOnly = confirmedOnly
                try await house.withNotifier(settings: settings) {
                    try await receiver.waitFor(count: sent)
                    #expect(try await house.isSettled())
                }
                #expect(receiver.count == sent)
                #expect(try await house.deadLetters().isEmpty)
            }
        }
    }

    @Test func `What is owed to an address of mail becomes a dead letter that says so, beside webhooks that arrive`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let mail = try await house.subscribe("mailto:somebody@example.com")
                try await house.subscribe(receiver.url())
                try await house.withNotifier {
                    try await house.post("1")
                    try await receiver.waitFor(count: 1)
                    let letter = try #require(try await house.deadLetters(waitingFor: 1).first)
                    #expect(letter.subscription == mail && letter.reason == .noTransport)
                    #expect(letter.summary == "email is not delivered yet")
                    #expect(try await house.isSettled())
                }
                #expect(try await house.deadLetters().count == 1)
                #expect(receiver.count == 1)
            }
        }
    }
}
