import Domain
import Notifier
import Store
import TestKit
import Testing

/// The egress policy by what becomes of a delivery: of every kind, from the subscription to the log of its attempts.
struct EgressDeliveryTests {
    enum Kind: String, CaseIterable, Sendable {
        case message, question, test
    }

    private func owe(_ kind: Kind, to id: SubscriptionID, at url: String, in house: Deployment) async throws {
        switch kind {
        case .message:
            try await house.post("1")
        case .question:
            let request = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: url, at: Timestamp(milliseconds: 0), ttl: 600,
                linkExpiry: 4_000_000_000,
                document: Array("{}".utf8))
            #expect(try await house.store.subscriptions.ask(house.queue, id: id, request) == .asked)
        case .test:
            let position = try await house.store.subscriptions.test(
                house.queue, id: id, document: Array("{}".utf8), ttl: 300)
            #expect(position != nil)
        }
    }

    private func outcomes(of id: SubscriptionID, in house: Deployment) async throws -> [AttemptReport.End] {
        let log = try await house.store.deliveries.attempts(of: house.queue, subscription: id)
        return log?.attempts.map(\.report.end) ?? []
    }

    @Test(arguments: Kind.allCases, ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
    func `A forbidden address is subscribed, never connected, and its one attempt says why`(
        kind: Kind, host: String
    ) async throws {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let url = receiver.url(host: host)
                let id = try await house.subscribe(url)
                try await self.owe(kind, to: id, at: url, in: house)
                try await house.withNotifier(opening: []) { () async throws in #expect(try await house.isSettled()) }
                #expect(try await self.outcomes(of: id, in: house) == [.forbidden])
                // A test is told by the log alone.
                let reasons = try await house.deadLetters().map(\.reason)
                #expect(reasons == (kind == .test ? [] : [.forbidden]))
            }
            #expect(receiver.connections == 0)
        }
    }

    @Test func `A change to a forbidden address holds for what was owed before it`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withDeployment { house in
                let id = try await house.subscribe(receiver.url())
                try await house.withNotifier(opening: ["127.0.0.1/32"]) {
                    try await house.post("1")
                    try await receiver.waitFor(count: 1)
                    #expect(try await house.isSettled())
                }
                try await house.post("2")
                _ = try await house.store.subscriptions.update(
                    house.queue, id: id, SubscriptionChange(subscriber: Subscriber(receiver.url(host: "127.0.0.2"))),
                    resettingConfirmation: false)
                try await house.withNotifier(opening: ["127.0.0.1/32"]) { () async throws in
                    #expect(try await house.isSettled())
                }
                #expect(try await self.outcomes(of: id, in: house).first == .forbidden)
                #expect(try await house.deadLetters().map(\.reason) == [.forbidden])
            }
            #expect(receiver.connections == 1)
        }
    }
}
