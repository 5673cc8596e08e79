import Domain
import Store

extension Operations {
    /// Deletes messages by their ids.
    ///
    /// What is not there is skipped.
    ///
    /// Claims do not protect messages here, unless the operator wants them to: then every message that is there must be
    /// under one of the claims, or nothing is deleted.
    ///
    /// - Parameters:
    ///   - texts: At most ``idsMax``.
    ///   - claims: Ids of claims as the caller wrote them.
    /// - Throws: ``Refusal/messageClaimed`` or ``Refusal/messageNotClaimed(_:)``.
    func deleteMessages(_ texts: [String], under claims: [String], in queue: QueueAddress) async throws {
        let ids = texts.compactMap(MessageID.init)
        guard !ids.isEmpty else { return try await self.ping(for: queue) }
        let messages = try await self.store(of: queue).messages
        guard self.modes.deletesOnlyClaimed else { return try await messages.delete(queue, ids: ids) }
        switch try await messages.delete(queue, ids: ids, claims: claims) {
        case .deleted: break
        case .notClaimed: throw Refusal.messageNotClaimed("A message is not under an active claim.")
        case .claimedByAnother: throw Refusal.messageClaimed
        }
    }

    /// Deletes one message.
    ///
    /// One that is not there is no error.
    ///
    /// - Parameter claim: As the caller wrote it; nil: the caller holds no claim.
    /// - Throws: ``Refusal/messageClaimed`` or ``Refusal/messageNotClaimed(_:)``. The latter tells a worker whose claim
    ///   ran out that somebody else may have the message by now.
    func deleteMessage(_ text: String, under claim: String?, in queue: QueueAddress) async throws {
        guard let id = MessageID(text) else { return try await self.ping(for: queue) }
        switch try await self.store(of: queue).messages.delete(queue, id: id, claim: claim) {
        case .deleted: break
        case .claimed, .claimedByAnother: throw Refusal.messageClaimed
        case .notClaimed: throw Refusal.messageNotClaimed("The claim is not active, or does not hold the message.")
        }
    }
}
