import Domain
import Store

/// Which messages of a queue to list.
struct MessageListingRequest: Sendable {
    /// The id of the message to continue after, as the caller wrote it; nil: from the oldest.
    var marker: String?
    var limit: Int
    /// Messages this client posted are left out; nil: everyone's are listed.
    var hidden: ClientID?
    var includesClaimed = false
    var includesDelayed = false
}

extension Operations {
    /// A page of messages, oldest first.
    ///
    /// A queue that is not there, or a marker it never issued, lists nothing.
    func listMessages(of queue: QueueAddress, _ request: MessageListingRequest) async throws -> [MessageView] {
        var after: MessageID?
        if let marker = request.marker {
            guard let id = MessageID(marker) else {
                try await self.ping(for: queue)
                return []
            }
            after = id
        }
        let store = try await self.store(of: queue)
        let messages = try await store.messages.list(
            queue, after: after, limit: request.limit, hiding: request.hidden,
            includeDelayed: request.includesDelayed, includeClaimed: request.includesClaimed)
        return try self.opened(messages, of: queue, by: store)
    }
}
