import Domain
import Notifier
import Signing
import Store
import TestKit
import Testing

/// Confirmations: which subscribers are asked, which are notified, and what follows where no channel delivers.
struct ConfirmationTests {
    private static let document = #"{"Message_Type":"SubscriptionConfirmation","URL-Signature":"afa7"}"#

    private func ask(_ id: SubscriptionID, at url: String, in deployment: TestDeployment) async throws {
        let outcome = try await deployment.store.subscriptions.requestConfirmation(
            deployment.queue, id: id,
            ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: url, at: Timestamp(milliseconds: 0), ttl: 600,
                linkExpiry: 4_000_000_000,
                document: Array(Self.document.utf8)))
        #expect(outcome == .requested)
    }

    @Test func `T-9: a question is a signed webhook of its own kind, tried again like any other`() async throws {
        try await WebhookReceiver.with(answers: ["/": .sequence([.status(503), .status(200)])]) { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                try await self.ask(id, at: receiver.url(), in: deployment)
                try await deployment.withNotifier {
                    try await receiver.waitFor(count: 2)
                    #expect(try await deployment.isSettled())
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
                        == deployment.secret(of: id).signature(id: delivery, timestamp: timestamp, body: last.body))
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A question that was answered meanwhile is not sent`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                try await self.ask(id, at: receiver.url(), in: deployment)
                #expect(try await deployment.store.subscriptions.confirm(deployment.queue, id: id, true))
                try await deployment.withNotifier { () async throws in #expect(try await deployment.isSettled()) }
                #expect(receiver.count == 0)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `A question to an address that the subscription no longer has is not sent`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url("/before"))
                let document = #"{"URL-Expires":"2096-10-02T07:06:40"}"#  // 4,000,000,000 s since the epoch
                let question = ConfirmationRequest(
                    kind: .subscriptionConfirmation, subscriber: receiver.url("/before"),
                    at: Timestamp(milliseconds: 0), ttl: 600, linkExpiry: 4_000_000_000,
                    document: Array(document.utf8))
                #expect(
                    try await deployment.store.subscriptions.requestConfirmation(deployment.queue, id: id, question)
                        == .requested)
                let change = SubscriptionChange(subscriber: try Subscriber(receiver.url("/after")))
                #expect(
                    try await deployment.store.subscriptions.update(
                        deployment.queue, id: id, change, resettingConfirmation: true) == .updated)
                try await deployment.withNotifier { () async throws in #expect(try await deployment.isSettled()) }
                #expect(receiver.count == 0)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test(arguments: [([.webhook], 0), ([], 1), ([.email], 1), ([.webhook, .email], 0)] as [(Set<Destination>, Int)])
    func `A subscriber that withdraws gets none of the deliveries that wait, where confirmation is required`(
        confirmedOnly: Set<Destination>, sent: Int
    ) async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                #expect(try await deployment.store.subscriptions.confirm(deployment.queue, id: id, true))
                try await deployment.post("1")
                // The event becomes a delivery that waits; only its attempt can still see the withdrawal.
                for shard in 0..<deployment.store.deliveries.shards {
                    _ = try await deployment.store.deliveries.take(
                        shard, allowance: LeaseAllowance(capacity: 0), lease: .seconds(15), confirmedOnly: true)
                }
                #expect(try await deployment.store.subscriptions.confirm(deployment.queue, id: id, false))
                var settings = EngineSettings()
                settings.confirmedOnly = confirmedOnly
                try await deployment.withNotifier(settings: settings) {
                    try await receiver.waitFor(count: sent)
                    #expect(try await deployment.isSettled())
                }
                #expect(receiver.count == sent)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test(arguments: [([.email], 0), ([.webhook], 1), ([], 1)] as [(Set<Destination>, Int)])
    func `Nothing is due to a mail address that has to confirm, whatever webhooks have to`(
        confirmedOnly: Set<Destination>, ended: Int
    ) async throws {
        try await withTestDeployment { deployment in
            try await deployment.subscribe("mailto:reader@example.com")
            var settings = EngineSettings()
            settings.confirmedOnly = confirmedOnly
            try await deployment.withNotifier(settings: settings) {
                try await deployment.post("1")
                if ended > 0 { _ = try await deployment.deadLetters(waitingFor: ended) }
                #expect(try await deployment.isSettled())
            }
            #expect(try await deployment.deadLetters().count == ended)
        }
    }

    @Test func `A mail address that left by a link gets nothing, also where none has to confirm`() async throws {
        try await withTestDeployment { deployment in
            let address = "mailto:reader@example.com"
            let id = try await deployment.subscribe(address)
            let subscriptions = deployment.store.subscriptions
            let back = try #require(
                try await subscriptions.leave(
                    deployment.queue, id: id, address: address, returnExpiry: 4_000_000_000))
            try await deployment.withNotifier {
                try await deployment.post("1")
                #expect(try await deployment.isSettled())
                #expect(try await deployment.deadLetters().isEmpty)
                #expect(
                    try await subscriptions.confirm(
                        deployment.queue, id: id, true, linkExpiry: back, address: address))
                try await deployment.post("2")
                #expect(try await deployment.deadLetters(waitingFor: 1).count == 1)
            }
        }
    }

    @Test func `A delivery to a mail address becomes a dead letter that says so, beside webhooks that arrive`()
        async throws
    {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let mail = try await deployment.subscribe("mailto:user@example.com")
                try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    let deadLetter = try #require(try await deployment.deadLetters(waitingFor: 1).first)
                    #expect(deadLetter.subscription == mail && deadLetter.reason == .noRelay)
                    #expect(deadLetter.summary == "no relay for mail is set")
                    #expect(try await deployment.isSettled())
                }
                #expect(try await deployment.deadLetters().count == 1)
                #expect(receiver.count == 1)
            }
        }
    }
}
