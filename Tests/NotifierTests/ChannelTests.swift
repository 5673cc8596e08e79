import Documents
import Domain
import HTTPClient
import NIOConcurrencyHelpers
import Notifier
import Signing
import Store
import TestKit
import Testing

/// A channel for email that answers each attempt at an address with the next of its outcomes, the last one again and again.
private final class TestChannel: Channel {
    struct Sent: Sendable, Equatable {
        let address: String
        let number: Int
        let body: String
    }

    private final class Target: ChannelTarget {
        let address: String
        let host = "mail"
        let hasOwnBodies: Bool
        var byteCount: Int { self.address.utf8.count }

        init(_ address: String, hasOwnBodies: Bool) {
            self.address = address
            self.hasOwnBodies = hasOwnBodies
        }

        func ownBody(from document: PinnedBytes) -> PinnedBytes { PinnedBytes("for \(self.address)".utf8) }
    }

    let destination = Destination.email
    private let hasOwnBodies: Bool
    private let outcomes: [Outcome]
    private let state = NIOLockedValueBox([Sent]())

    init(_ outcomes: [Outcome], hasOwnBodies: Bool = false) {
        self.outcomes = outcomes
        self.hasOwnBodies = hasOwnBodies
    }

    var sent: [Sent] { self.state.withLockedValue { $0 } }

    func target(
        _ address: String, of subscription: SubscriptionID, in queue: QueueAddress, options: DeliveryOptions,
        secrets: WebhookSecrets, keys: WebhookSigningKeys?
    ) -> any ChannelTarget {
        Target(address, hasOwnBodies: self.hasOwnBodies)
    }

    func send(_ attempts: [Attempt]) {
        for attempt in attempts {
            guard let target = attempt.target as? Target else { continue }
            let body = attempt.body.withSpan { span in String(decoding: span.indices.map { span[$0] }, as: UTF8.self) }
            self.state.withLockedValue {
                $0.append(Sent(address: target.address, number: attempt.number, body: body))
            }
            let outcome = self.outcomes[min(attempt.number, self.outcomes.count) - 1]
            attempt.completion(.finished(outcome, Exchange()))
        }
    }

    func abortAll() {}
    func stop() {}
}

/// What the engine does is the same for every channel.
struct ChannelTests {
    private static let retrying = #"{"_retry_policy": {"retries_with_no_delay": 5}}"#

    @Test func `A message goes to subscribers of two channels, by the channel of each`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe(receiver.url())
                try await deployment.subscribe("mailto:a@example.com")
                let email = TestChannel([.accepted(code: 250)])
                try await deployment.withEngine(beside: [email]) { _ in
                    try await deployment.post("1")
                    #expect(try await deployment.isSettled())
                }
                let request = try #require(receiver.requests.first)
                #expect(email.sent == [.init(address: "mailto:a@example.com", number: 1, body: request.text)])
                #expect(receiver.count == 1)
                #expect(try await deployment.deadLetters().isEmpty)
            }
        }
    }

    @Test func `Replies that are none of HTTP are retried, refused and counted by the same rules`() async throws {
        try await withTestDeployment { deployment in
            let deferred = try await deployment.subscribe("mailto:deferred@example.com", options: Self.retrying)
            let email = TestChannel([.deferred(code: 451, notBefore: nil), .unreachable(.closed), .refused(code: 550)])
            try await deployment.withEngine(beside: [email]) { _ in
                try await deployment.post("1")
                let deadLetters = try await deployment.deadLetters(waitingFor: 1)
                #expect(deadLetters.map(\.reason) == [.refused] && deadLetters.map(\.summary) == ["refused 550"])
            }
            #expect(email.sent.map(\.number) == [1, 2, 3])
            let health = try await deployment.store.deliveries.health(of: deployment.queue, subscription: deferred)
            let ends = health?.log.attempts.map(\.report.end) ?? []
            #expect(ends == [.answered(code: 550), .unreachable(.closed), .answered(code: 451)])
        }
    }

    @Test func `A subscriber that is gone disables its subscription where that asks for it`() async throws {
        try await WebhookReceiver.with { receiver in
            try await withTestDeployment { deployment in
                try await deployment.subscribe("mailto:gone@example.com", options: #"{"_disable_on_gone": true}"#)
                try await deployment.subscribe(receiver.url())
                let email = TestChannel([.gone(code: 550)])
                try await deployment.withEngine(beside: [email]) { _ in
                    try await deployment.post("1")
                    #expect(try await deployment.deadLetters(waitingFor: 1).count == 1)
                    try await deployment.post("2")
                    // One step fans a message out to all: what is leased of it has ended when the engine has.
                    try await receiver.waitFor(count: 2)
                }
                #expect(email.sent.count == 1)
            }
        }
    }

    @Test func `A channel may make bodies of its own from the document`() async throws {
        try await withTestDeployment { deployment in
            try await deployment.subscribe("mailto:a@example.com")
            try await deployment.subscribe("mailto:b@example.com")
            let email = TestChannel([.accepted(code: 250)], hasOwnBodies: true)
            try await deployment.withEngine(beside: [email]) { _ in
                try await deployment.post("1")
                #expect(try await deployment.isSettled())
            }
            #expect(
                Set(email.sent.map(\.body)) == ["for mailto:a@example.com", "for mailto:b@example.com"])
        }
    }
}
