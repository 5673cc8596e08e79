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
            guard let id = MessageID(text), self.store.messages.isIssued(id, in: queue), !ids.contains(id) else {
                continue
            }
            ids.append(id)
        }
        guard ids.count > 1 else {
            guard let id = ids.first else {
                try await self.ping()
                return []
            }
            return try await self.store.messages.get(queue, id: id).map { [$0] } ?? []
        }
        return try await withThrowingTaskGroup(of: (Int, StoredMessage?).self) {
            [messages = self.store.messages] group in
            for (place, id) in ids.enumerated() {
                group.addTask { (place, try await messages.get(queue, id: id)) }
            }
            var found = [StoredMessage?](repeating: nil, count: ids.count)
            for try await (place, message) in group { found[place] = message }
            return found.compactMap { $0 }
        }
    }
}
