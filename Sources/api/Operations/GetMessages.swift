import Domain
import Store

extension Operations {
    /// One message, claimed, delayed or one's own, as long as it lives.
    ///
    /// - Throws: ``Refusal/messageNotFound``, also for texts that are no id and ids of other queues.
    func getMessage(_ text: String, in queue: QueueAddress) async throws -> StoredMessage {
        guard let message = try await self.getMessages([text], in: queue).first else { throw Refusal.messageNotFound }
        return message
    }

    /// Several messages in the order asked for, each once; those that cannot be found are left out.
    func getMessages(_ texts: [String], in queue: QueueAddress) async throws -> [StoredMessage] {
        var ids: [MessageID] = []
        for text in texts {
            guard let id = MessageID(text), !ids.contains(id) else { continue }
            ids.append(id)
        }
        // Also without any id that could exist: a store that is away is told, not an empty answer.
        return try await self.store.messages.get(queue, ids: ids)
    }
}
