import Documents
import Domain
import Foundation
import HTTPClient
import Logging
import Mail
import NIOConcurrencyHelpers
import Notifier
import Signing
import TestKit
import Testing

/// Settings for a relay on loopback, with times that a test waits for.
func mailSettings(_ change: (inout EmailSettings) -> Void = { _ in }) -> EmailSettings {
    var settings = EmailSettings()
    settings.tls = .off
    settings.hostName = "herald.test"
    settings.sessions = 1
    settings.connectTimeout = .seconds(3)
    settings.replyTimeout = .seconds(2)
    settings.dataTimeout = .seconds(3)
    change(&settings)
    return settings
}

func mailSender() throws -> Mailbox { try Mailbox("Herald <alerts@herald.test>") }

/// Runs `body` with a channel whose threads have ended, or will at once, when this returns.
func withMailChannel<Result>(
    _ relay: String, _ settings: EmailSettings, _ body: (EmailChannel) async throws -> Result
) async throws -> Result {
    let relay = try MailRelay(
        settings, .relay(try RelayURL(relay)), from: try mailSender(), logger: Logger(label: "test"))
    defer { relay.stop() }
    return try await body(EmailChannel(relay: relay))
}

extension EmailChannel {
    func attempt(
        _ address: String, delivery: String = "1", options: String = "{}", body: String? = nil, project: String = "p",
        _ completion: @escaping @Sendable (AttemptResult) -> Void
    ) throws -> Attempt {
        let document = body ?? #"{"body":"\#(address)","ttl":60,"queue_name":"q","Message_Type":"Notification"}"#
        let id = try #require(SubscriptionID(String(repeating: "0", count: 27)))
        let key = try MasterKey(MasterKey.generate())
        let secrets = key.webhookSecrets(project: try ProjectID(project), subscription: id, versions: .first)
        return Attempt(
            destination: .email,
            target: self.target(
                address, of: id, in: QueueAddress(project: try ProjectID(project), name: try QueueName("q")),
                options: try #require(DeliveryOptions(stored: Array(options.utf8))), secrets: secrets,
                keys: nil),
            delivery: DeliveryID(text: delivery), message: nil, kind: .notification, number: 1,
            startedAt: Timestamp(milliseconds: 1_800_000_000_000), project: try ProjectID(project),
            body: PinnedBytes(document.utf8), completion: completion)
    }

    /// Sends mails to `mailto:NAME@b.test` in one call, and returns how each ended.
    func post(_ names: [String], options: String) async throws -> [AttemptResult] {
        let results = NIOLockedValueBox<[Int: AttemptResult]>([:])
        self.send(
            try names.enumerated().map { index, name in
                try self.attempt("mailto:\(name)@b.test", delivery: "d\(index)", options: options) { result in
                    results.withLockedValue { $0[index] = result }
                }
            })
        let all = try await eventually { () -> [AttemptResult]? in
            let ended = results.withLockedValue { $0 }
            return ended.count == names.count ? names.indices.compactMap { ended[$0] } : nil
        }
        return try #require(all, "\(results.withLockedValue { $0 })")
    }
}

extension EmailChannel {
    /// As ``post(_:options:)``, in words.
    func ends(_ names: String...) async throws -> [String] {
        try await self.post(names, options: "{}").map(\.text)
    }
}

extension AttemptResult {
    /// In one line, without times.
    var text: String {
        switch self {
        case .finished(let outcome, _): outcome.summary
        case .held(let outcome, _, _): "held " + (outcome?.summary ?? "untried")
        case .postponed(let time): "postponed \(time)"
        case .aborted: "aborted"
        }
    }
}
