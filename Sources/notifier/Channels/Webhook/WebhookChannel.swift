package import Documents
package import Domain
package import HTTPClient
package import Keystone
package import Logging
package import Signing
package import TLS

/// Delivers notifications as signed HTTP requests, one POST an attempt; where a subscription has a trust, with a token of the user who
/// gave it.
package final class WebhookChannel: Channel {
    package let destination = Destination.webhook
    private let client: CurlClient
    private let trusted: TrustedAttempts

    private init(client: CurlClient, tokens: TrustTokens?, logger: Logger) {
        self.client = client
        self.trusted = TrustedAttempts(tokens, client: client, logger: logger)
    }

    /// Starts its threads, which run until ``stop()``.
    ///
    /// - Parameters:
    ///   - share: How many connections it may have; nil: as many as transfers.
    ///   - tls: Which authorities are believed, and the certificate for endpoints that ask for one.
    ///   - tokens: Of users who gave trusts; nil: there are none.
    ///   - lookup: Asks for the addresses of a name, and may block.
    /// - Throws: ``HTTPClientError`` when the system has no descriptor or thread left.
    package convenience init(
        limits: HTTPClientLimits, share: ConnectionShare? = nil, egress: EgressPolicy, tls: TLSFiles = TLSFiles(),
        tokens: TrustTokens? = nil, version: String, logger: Logger,
        lookup: @escaping @Sendable (String) -> NameLookup.Result = NameLookup.system
    ) throws(HTTPClientError) {
        self.init(
            client: try CurlClient(
                limits: Self.keepingFields(limits), share: share, egress: egress, userAgent: Self.userAgent(version),
                tls: tls, logger: logger, lookup: lookup), tokens: tokens, logger: logger)
    }

    /// Starts its threads, and returns when it can send.
    ///
    /// - Throws: ``HTTPClientError`` when the system has no descriptor, memory or thread left.
    static func started(
        limits: HTTPClientLimits, share: ConnectionShare, egress: EgressPolicy, tls: TLSFiles, tokens: TrustTokens?,
        version: String, logger: Logger
    ) async throws(HTTPClientError) -> WebhookChannel {
        WebhookChannel(
            client: try await CurlClient.started(
                limits: Self.keepingFields(limits), share: share, egress: egress, userAgent: Self.userAgent(version),
                tls: tls, logger: logger), tokens: tokens, logger: logger)
    }

    package func target(
        _ address: String, of subscription: SubscriptionID, in queue: QueueAddress, options: DeliveryOptions,
        secrets: WebhookSecrets, keys: WebhookSigningKeys?
    ) -> any ChannelTarget {
        WebhookTarget(
            address, subscription: subscription, in: queue.name, options: options, secrets: secrets, keys: keys)
    }

    package func send(_ attempts: [Attempt]) {
        var requests: [HTTPClientRequest] = []
        requests.reserveCapacity(attempts.count)
        for attempt in attempts {
            guard let target = attempt.target as? WebhookTarget else {
                preconditionFailure("an attempt has a target of another channel")
            }
            let completion = attempt.completion
            guard target.canSign else {
                completion(target.judgeMissingKeys())
                continue
            }
            switch target.url {
            case .success(let url) where target.isTrusted: self.trusted.send(attempt, to: target, at: url)
            case .success(let url):
                requests.append(
                    HTTPClientRequest(
                        .post, url, headers: WebhookHeaders.lines(of: attempt, to: target), body: attempt.body,
                        owner: attempt.project.text
                    ) { completion(target.judge($0)) })
            case .failure(let reason): completion(target.judge(reason))
            }
        }
        self.client.send(requests)
    }

    package func abortAll() {
        self.trusted.end()
        self.client.abortAll()
    }

    package func stop() {
        self.trusted.end()
        self.client.stop()
    }

    private static func keepingFields(_ limits: HTTPClientLimits) -> HTTPClientLimits {
        var limits = limits
        limits.fieldsKept = WebhookTarget.fieldsRead
        return limits
    }

    private static func userAgent(_ version: String) -> String { "herald/\(version)" }
}

/// The headers of one attempt: Standard Webhooks, and what a receiver may want to know beside it.
///
/// | header | value |
/// |---|---|
/// | `webhook-id` | the delivery, the same over all attempts: a receiver drops what it has seen |
/// | `webhook-timestamp` | seconds since the epoch when this attempt was made |
/// | `webhook-signature` | `v1,` or `v1a,` and the signature over id, timestamp and body; more than one for both schemes, and during rotations |
/// | `herald-attempt` | from 1 |
/// | `herald-hops` | how many queues the message came through: a queue that it is posted to counts on, see ``Limits/hopsMax`` |
/// | `traceparent` | that of the request that posted the message, where it had one (W3C Trace Context) |
/// | `herald-message-id`, `herald-subscription-id` | the ids of the messaging API; a confirmation is no message |
/// | `herald-queue` | the queue of the subscription, where its format does not name it in the body |
/// | `herald-message-type` | as `Message_Type` in the body, see ``NotificationKind`` |
///
/// In front of them stand those of the target, `herald-subscription-id` among them; they can replace none of these.
enum WebhookHeaders {
    static func lines(of attempt: Attempt, to target: WebhookTarget) -> [String] {
        let signature = attempt.body.withSpan {
            target.signature(id: attempt.delivery.text, at: attempt.startedAt, body: $0)
        }
        var lines: [String] = []
        lines.reserveCapacity(target.headers.count + 8)
        lines += target.headers
        lines.append("webhook-id: \(attempt.delivery.text)")
        lines.append("webhook-timestamp: \(attempt.startedAt.seconds)")
        lines.append("webhook-signature: \(signature)")
        lines.append("herald-attempt: \(attempt.number)")
        let provenance = attempt.provenance
        lines.append(provenance.hops == 1 ? Self.firstHop : "herald-hops: \(provenance.hops)")
        if let trace = provenance.trace { lines.append("traceparent: \(trace.traceparent)") }
        lines.append(attempt.kind == .notification ? Self.notification : Self.type(of: attempt.kind))
        lines += target.eventHeaders(of: attempt)
        if let message = attempt.message { lines.append("herald-message-id: \(message.text)") }
        return lines
    }

    /// Of nearly all attempts.
    private static let firstHop = "herald-hops: 1"
    private static let notification = Self.type(of: .notification)

    private static func type(of kind: NotificationKind) -> String { "herald-message-type: \(kind.rawValue)" }
}
