import Domain
import HTTPClient
import Logging
import Notifier
import TestKit

/// Runs `body` with a webhook client whose thread has ended, or will at once, when this returns.
func withClient<Result>(
    opening ranges: [String] = ["127.0.0.0/8", "::1"], limits: HTTPClientLimits = HTTPClientLimits(),
    share: ConnectionShare? = nil, lookup: @escaping @Sendable (String) -> NameLookup.Result = NameLookup.system,
    _ body: (WebhookClient) async throws -> Result
) async throws -> Result {
    let client = try WebhookClient(
        limits: limits, share: share, egress: EgressPolicy(opened: ranges.compactMap { AddressRange($0) }),
        version: "test",
        logger: Logger(label: "test"), lookup: lookup)
    defer { client.stop() }
    return try await body(client)
}

extension WebhookRequest {
    /// To the host that the URL has.
    init(
        _ text: String, headers: [String] = [], body: PinnedBytes = PinnedBytes("{}".utf8), project: ProjectID? = nil,
        completion: @escaping @Sendable (WebhookResult) -> Void
    ) {
        self.init(
            url: Result { () throws(HTTPURLInvalid) in try HTTPURL(text) }, headers: headers, body: body,
            project: project,
            completion: completion)
    }
}

extension WebhookClient {
    func post(_ url: String, headers: [String] = [], body: String = "{}") async -> WebhookResult {
        await withCheckedContinuation { continuation in
            self.send([
                WebhookRequest(url, headers: headers, body: PinnedBytes(body.utf8)) {
                    continuation.resume(returning: $0)
                }
            ])
        }
    }

    func outcome(_ url: String, body: String = "{}") async -> Outcome? {
        guard case .finished(let outcome, _) = await self.post(url, body: body) else { return nil }
        return outcome
    }
}
