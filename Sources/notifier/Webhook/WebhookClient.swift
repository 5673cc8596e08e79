package import Domain
package import HTTPClient
package import Logging

/// One POST to a subscriber, ready to be sent, and what is called with its result.
package struct WebhookRequest: Sendable {
    /// Why it cannot be called, where it is no URL: then nothing is sent.
    package let url: Result<HTTPURL, HTTPURLInvalid>
    /// `Name: value` each, without line ends.
    package let headers: [String]
    package let body: PinnedBytes
    /// Whose it is: many requests of one project do not delay those of another.
    package let project: ProjectID?
    /// Called exactly once, mostly on the thread that owns the transfers: it must be short and never block.
    package let completion: @Sendable (WebhookResult) -> Void

    package init(
        url: Result<HTTPURL, HTTPURLInvalid>, headers: [String], body: PinnedBytes, project: ProjectID? = nil,
        completion: @escaping @Sendable (WebhookResult) -> Void
    ) {
        self.url = url
        self.headers = headers
        self.body = body
        self.project = project
        self.completion = completion
    }
}

/// How one request ended.
package enum WebhookResult: Sendable, Equatable {
    case finished(Outcome, Exchange)
    /// The notifier stopped it; the subscriber may or may not have seen it.
    case aborted
}

/// Sends webhooks and judges what comes back.
package final class WebhookClient: Sendable {
    private let client: CurlClient

    private init(client: CurlClient) {
        self.client = client
    }

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
                limits: Self.keeping(limits), share: share, egress: egress, userAgent: Self.userAgent(version),
                logger: logger, lookup: lookup))
    }

    /// Starts its threads, and returns when it can send.
    ///
    /// - Throws: ``HTTPClientError`` when the system has no descriptor, memory or thread left.
    static func started(
        limits: HTTPClientLimits, share: ConnectionShare, egress: EgressPolicy, version: String, logger: Logger
    ) async throws(HTTPClientError) -> WebhookClient {
        WebhookClient(
            client: try await CurlClient.started(
                limits: Self.keeping(limits), share: share, egress: egress, userAgent: Self.userAgent(version),
                logger: logger))
    }

    /// Sends requests, those of one project in this order; each one's completion is called once, also after ``stop()``.
    package func send(_ requests: [WebhookRequest]) {
        var sent: [HTTPClientRequest] = []
        sent.reserveCapacity(requests.count)
        for request in requests {
            let completion = request.completion
            switch request.url {
            case .success(let url):
                sent.append(
                    HTTPClientRequest(
                        .post, url, headers: request.headers, body: request.body, owner: request.project?.text
                    ) { completion(WebhookResult($0)) })
            case .failure(let reason):
                completion(.finished(reason == .scheme ? .forbidden : .unreachable(.other), Exchange()))
            }
        }
        self.client.send(sent)
    }

    /// Ends what is under way: each is reported as aborted.
    package func abortAll() { self.client.abortAll() }

    /// Ends what is under way and the threads; requests sent from now on are aborted at once.
    package func stop() { self.client.stop() }

    private static func keeping(_ limits: HTTPClientLimits) -> HTTPClientLimits {
        var limits = limits
        limits.fieldsKept = ["retry-after", "date"]
        return limits
    }

    private static func userAgent(_ version: String) -> String { "herald/\(version)" }
}
