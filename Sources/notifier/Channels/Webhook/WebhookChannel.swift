package import Documents
package import Domain
package import HTTPClient
package import Logging
package import Signing

/// Delivers notifications as signed HTTP requests, one POST an attempt.
package final class WebhookChannel: Channel {
    package let destination = Destination.webhook
    private let client: CurlClient

    private init(client: CurlClient) {
        self.client = client
    }

    /// Starts its threads, which run until ``stop()``.
    ///
    /// - Parameters:
    ///   - share: How many connections it may have; nil: as many as transfers.
    ///   - lookup: Asks for the addresses of a name, and may block.
    /// - Throws: ``HTTPClientError`` when the system has no descriptor or thread left.
    package convenience init(
        limits: HTTPClientLimits, share: ConnectionShare? = nil, egress: EgressPolicy, version: String, logger: Logger,
        lookup: @escaping @Sendable (String) -> NameLookup.Result = NameLookup.system
    ) throws(HTTPClientError) {
        self.init(
            client: try CurlClient(
                limits: Self.keepingFields(limits), share: share, egress: egress, userAgent: Self.userAgent(version),
                logger: logger, lookup: lookup))
    }

    /// Starts its threads, and returns when it can send.
    ///
    /// - Throws: ``HTTPClientError`` when the system has no descriptor, memory or thread left.
    static func started(
        limits: HTTPClientLimits, share: ConnectionShare, egress: EgressPolicy, version: String, logger: Logger
    ) async throws(HTTPClientError) -> WebhookChannel {
        WebhookChannel(
            client: try await CurlClient.started(
                limits: Self.keepingFields(limits), share: share, egress: egress, userAgent: Self.userAgent(version),
                logger: logger))
    }

    package func target(
        _ address: String, of subscription: SubscriptionID, options: DeliveryOptions, secrets: WebhookSecrets
    ) -> any ChannelTarget {
        WebhookTarget(address, subscription: subscription, options: options, secrets: secrets)
    }

    package func send(_ attempts: [Attempt]) {
        var requests: [HTTPClientRequest] = []
        requests.reserveCapacity(attempts.count)
        for attempt in attempts {
            guard let target = attempt.target as? WebhookTarget else {
                preconditionFailure("an attempt has a target of another channel")
            }
            let completion = attempt.completion
            switch target.url {
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

    package func abortAll() { self.client.abortAll() }

    package func stop() { self.client.stop() }

    private static func keepingFields(_ limits: HTTPClientLimits) -> HTTPClientLimits {
        var limits = limits
        limits.fieldsKept = WebhookTarget.fieldsRead
        return limits
    }

    private static func userAgent(_ version: String) -> String { "herald/\(version)" }
}
