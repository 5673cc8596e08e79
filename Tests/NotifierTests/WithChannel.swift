import Documents
import Domain
import HTTPClient
import Keystone
import Logging
import Notifier
import Signing
import TestKit
import Testing

/// Runs `body` with a channel for webhooks whose threads have ended, or will at once, when this returns.
func withWebhooks<Result>(
    opening ranges: [String] = ["127.0.0.0/8", "::1"], limits: HTTPClientLimits = HTTPClientLimits(),
    share: ConnectionShare? = nil, tokens: TrustTokens? = nil, version: String = "test",
    lookup: @escaping @Sendable (String) -> NameLookup.Result = NameLookup.system,
    _ body: (WebhookChannel) async throws -> Result
) async throws -> Result {
    let channel = try WebhookChannel(
        limits: limits, share: share, egress: EgressPolicy(opened: ranges.compactMap { AddressRange($0) }),
        tokens: tokens, version: version, logger: Logger(label: "test"), lookup: lookup)
    defer { channel.stop() }
    return try await body(channel)
}

/// The target of a subscription that nothing else is known of.
func webhookTarget(_ url: String, options: DeliveryOptions = DeliveryOptions()) -> WebhookTarget {
    WebhookTarget(
        url, subscription: testSubscription, in: testQueueName, options: options, secrets: testSecrets)
}

/// The first attempt of a delivery called `1`.
func webhookAttempt(
    _ url: String, options: String = "{}", body: String = "{}", project: String = "p",
    completion: @escaping @Sendable (AttemptResult) -> Void
) throws -> Attempt {
    Attempt(
        destination: .webhook,
        target: webhookTarget(url, options: try #require(DeliveryOptions(stored: Array(options.utf8)))),
        delivery: DeliveryID(text: "1"), message: nil, kind: .notification, number: 1,
        startedAt: Timestamp(milliseconds: 1_800_000_000_000), project: try ProjectID(project),
        body: PinnedBytes(body.utf8), completion: completion)
}

private let testSubscription: SubscriptionID = {
    guard let id = SubscriptionID(String(repeating: "0", count: 27)) else {
        preconditionFailure("no subscription's id")
    }
    return id
}()

private let testQueueName: QueueName = {
    guard let name = try? QueueName("q") else { preconditionFailure("no queue's name") }
    return name
}()

private let testSecrets: WebhookSecrets = {
    guard let key = try? MasterKey(MasterKey.generate()), let project = try? ProjectID("p") else {
        preconditionFailure("no key for tests")
    }
    return WebhookSecrets(
        current: key.webhookSecret(project: project, subscription: testSubscription, version: 1))
}()

extension WebhookChannel {
    func post(_ url: String, options: String = "{}", body: String = "{}") async -> AttemptResult {
        await withCheckedContinuation { continuation in
            do {
                self.send([
                    try webhookAttempt(url, options: options, body: body) { continuation.resume(returning: $0) }
                ])
            } catch {
                Issue.record(error)
                continuation.resume(returning: .aborted)
            }
        }
    }

    func outcome(_ url: String, body: String = "{}") async -> Outcome? {
        guard case .finished(let outcome, _) = await self.post(url, body: body) else { return nil }
        return outcome
    }
}
