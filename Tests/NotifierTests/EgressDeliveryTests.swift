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

    private func enqueue(_ kind: Kind, to id: SubscriptionID, at url: String, in deployment: TestDeployment)
        async throws
    {
        switch kind {
        case .message:
            try await deployment.post("1")
        case .question:
            let request = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: url, at: Timestamp(milliseconds: 0), ttl: 600,
                linkExpiry: 4_000_000_000,
                document: Array("{}".utf8))
            #expect(
                try await deployment.store.subscriptions.requestConfirmation(deployment.queue, id: id, request)
                    == .requested)
        case .test:
            let position = try await deployment.store.subscriptions.test(
                deployment.queue, id: id, document: Array("{}".utf8), ttl: 300)
            #expect(position != nil)
        }
    }

    private func outcomes(of id: SubscriptionID, in deployment: TestDeployment) async throws -> [AttemptReport.End] {
        let log = try await deployment.store.deliveries.attempts(of: deployment.queue, subscription: id)
        return log?.attempts.map(\.report.end) ?? []
    }

    @Test(arguments: Kind.allCases, ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"])
    func `A forbidden address is subscribed, never connected, and its one attempt says why`(
        kind: Kind, host: String
    ) async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let url = receiver.url(host: host)
                let id = try await deployment.subscribe(url)
                try await self.enqueue(kind, to: id, at: url, in: deployment)
                try await deployment.withNotifier(opening: []) { () async throws in
                    #expect(try await deployment.isSettled())
                }
                #expect(try await self.outcomes(of: id, in: deployment) == [.forbidden])
                // A test leaves its entry in the log and nothing else.
                let reasons = try await deployment.deadLetters().map(\.reason)
                #expect(reasons == (kind == .test ? [] : [.forbidden]))
            }
            #expect(receiver.connections == 0)
        }
    }

    @Test func `A change to a forbidden address holds for deliveries that waited before it`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                let id = try await deployment.subscribe(receiver.url())
                try await deployment.withNotifier(opening: ["127.0.0.1/32"]) {
                    try await deployment.post("1")
                    try await receiver.waitFor(count: 1)
                    #expect(try await deployment.isSettled())
                }
                try await deployment.post("2")
                _ = try await deployment.store.subscriptions.update(
                    deployment.queue, id: id,
                    SubscriptionChange(subscriber: Subscriber(receiver.url(host: "127.0.0.2"))),
                    resettingConfirmation: false)
                try await deployment.withNotifier(opening: ["127.0.0.1/32"]) { () async throws in
                    #expect(try await deployment.isSettled())
                }
                #expect(try await self.outcomes(of: id, in: deployment).first == .forbidden)
                #expect(try await deployment.deadLetters().map(\.reason) == [.forbidden])
            }
            #expect(receiver.connections == 1)
        }
    }
}
