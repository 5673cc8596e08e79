import Domain
import Foundation
import Keystone
import Logging
import NIOConcurrencyHelpers
import Notifier
import TestKit
import Testing

/// Attempts that wait for a token when the notifier stops, and those that get none.
struct TrustedAttemptsTests {
    private static let options = #"{"trust_id": "0123456789abcdef"}"#

    @Test func `Without a user of Keystone a delivery is handed back`() async throws {
        try await withWebhooks { channel in
            let result = await channel.post("trust+http://127.0.0.1:9/", options: Self.options)
            #expect(result == .held(nil, Exchange(), for: .seconds(60)))
        }
    }

    @Test func `All that wait for a token end as aborted, and nothing begins after that`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try keystone.set(.hold)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let clock: @Sendable () -> Timestamp = { .ofThisMachine() }
        let client = try KeystoneClient(
            KeystoneAccount(
                url: try KeystoneURL(keystone.url), user: "trustee", userDomain: "Default",
                password: KeystoneServer.password, project: nil),
            userAgent: "test/1", clock: clock, logger: logger)
        defer { client.stop() }
        try await WebhookReceiver.with(answers: ["/": .status(204)]) { receiver in
            try await withWebhooks(tokens: TrustTokens(client, clock: clock)) { channel in
                let results = NIOLockedValueBox<[AttemptResult]>([])
                let attempts = try (0..<8).map { _ in
                    try webhookAttempt("trust+\(receiver.url())", options: Self.options) { result in
                        results.withLockedValue { $0.append(result) }
                    }
                }
                channel.send(attempts)
                #expect(results.withLockedValue { $0.isEmpty })
                channel.abortAll()
                #expect(results.withLockedValue { $0 } == Array(repeating: .aborted, count: 8))
                #expect(await channel.post("trust+\(receiver.url())", options: Self.options) == .aborted)
                // Keystone answers late: what it says starts nothing.
                try keystone.set(nil)
                let isAnswered = try await eventually { try keystone.requests().contains { $0.isLogin } ? true : nil }
                #expect(isAnswered == true)
                #expect(results.withLockedValue { $0.count } == 8 && receiver.count == 0)
            }
        }
    }
}
