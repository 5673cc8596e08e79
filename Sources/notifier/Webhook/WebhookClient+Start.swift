import Logging

extension WebhookClient {
    /// Starts the thread, and returns when it can transfer.
    ///
    /// - Throws: ``WebhookClientError`` when the system has no descriptor, memory or thread left.
    static func started(
        limits: WebhookLimits, share: ConnectionShare, egress: EgressPolicy, version: String, logger: Logger
    ) async throws(WebhookClientError) -> WebhookClient {
        let (answers, continuation) = AsyncStream<Bool>.makeStream()
        let client = try WebhookClient(
            limits: limits, share: share, egress: egress, version: version, logger: logger,
            onStart: {
                continuation.yield($0)
                continuation.finish()
            })
        // Cancelled: the stream ends without an answer, and whoever asked stops the client.
        for await canTransfer in answers where !canTransfer { throw .noTransferLoop }
        return client
    }
}
