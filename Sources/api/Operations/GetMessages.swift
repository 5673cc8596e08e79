import Domain
import Store

extension Operations {
    /// One message, claimed, delayed or one's own, as long as it lives.
    ///
    /// - Throws: ``Refusal/messageNotFound``, also for texts that are no id and ids of other queues.
    func getMessage(_ text: String, in queue: QueueAddress) async throws -> MessageView {
        guard let message = try await self.getMessages([text], in: queue).first else { throw Refusal.messageNotFound }
        return message
    }

    /// Several messages in the order asked for, each once; those that cannot be found are left out.
    ///
    /// - Parameter texts: At most ``idsMax``.
    func getMessages(_ texts: [String], in queue: QueueAddress) async throws -> [MessageView] {
        let ids = texts.compactMap(MessageID.init)
        guard !ids.isEmpty else {
            try await self.ping(for: queue)
            return []
        }
        let store = try await self.store(of: queue)
        return try self.opened(try await store.messages.get(queue, ids: ids), of: queue, by: store)
    }

    /// Ids one request may name: what a page may hold, as far as the store takes them in one step.
    var idsMax: Int { min(self.limits.messagePageMax, MessageStore.idsMax) }
}
