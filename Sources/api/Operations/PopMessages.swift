import Domain
import Logging
import NIOCore
import Placement
import Runtime
import Store

extension Operations {
    /// Removes and returns the oldest messages that nobody holds.
    ///
    /// None, when there are none or no such queue.
    ///
    /// - Throws: ``BodyUnreadable`` when none of them opens. They were taken out already, so those that do not open are
    ///   put back: at the end, under new ids, sealed as they are. A key that is missing for a while loses nothing.
    func popMessages(of queue: QueueAddress, limit: Int, by client: ClientID) async throws -> [MessageView] {
        var popped: [MessageView] = []
        var unreadable: [(message: StoredMessage, error: BodyUnreadable)] = []
        let store = try await self.store(of: queue)
        for message in try await store.messages.pop(queue, limit: limit) {
            do throws(BodyUnreadable) {
                popped.append(try self.view(of: message, in: queue, by: store))
            } catch {
                unreadable.append((message, error))
            }
        }
        guard let first = unreadable.first else { return popped }
        self.logger.error(
            "Popped messages do not open and are put back",
            metadata: [
                LogKey.queueName: "\(queue.name)", LogKey.error: "\(first.error.reason)",
                "messages": "\(unreadable.count)",
            ])
        try await self.putBack(unreadable.map(\.message), into: queue, by: client)
        guard !popped.isEmpty else { throw first.error }
        return popped
    }

    private func putBack(_ messages: [StoredMessage], into queue: QueueAddress, by client: ClientID) async throws {
        let drafts = messages.map { message in
            MessageDraft(
                ttl: max(1, message.ttl - message.age), delay: 0, body: ByteBuffer(bytes: message.body),
                checksum: message.checksum, isSealed: true)
        }
        let defaults = PostDefaults(ttl: self.limits.messageTTLDefault)
        _ = try await self.stores.making(queue) { place in
            try await place.store.messages.post(drafts, to: queue, by: client, requestBytes: 0, defaults: defaults)
        }
    }
}
