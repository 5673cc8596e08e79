package import Domain
import NIOConcurrencyHelpers
import Operations
import Store

/// Subscriptions that begin at a place: this process follows the queue for the connection, and the store has nothing of them.
extension SessionNode {
    /// - Parameter from: As the client wrote it.
    /// - Throws: `Refusal`, with `subscriptionExists` for a queue that the connection has subscribed already, or `StoreError`.
    func follow(
        _ session: SessionID, _ queue: QueueAddress, from: String, _ format: FrameFormat
    ) async throws -> SessionSubscribed {
        let name = session.description
        let start = try await self.operations.followStart(from, of: queue)
        let before = self.state.withLockedValue { $0.sessions[name]?.subscription(of: queue) }
        if let before, try await self.operations.hasSubscription(before, of: queue) {
            throw Refusal.subscriptionExists(id: before.text)
        }
        let wait = try await self.operations.placeToFollow(queue)
        // What is posted behind the answer comes, also when the connection reads later, or is made anew.
        let fixed = try await self.operations.followFixed(start, of: queue)
        let id = SubscriptionID()
        let gone = try self.state.withLockedValue { state throws(Refusal) in
            try state.sessions[name, default: SubscribedSession(session)].follow(queue, as: id)
        }
        if let gone { self.state.withLockedValue { $0.ending.append(gone) } }
        if let session = self.registry.session(session) {
            SessionFollower(
                id: id, queue: queue, format: format, session: session, registry: self.registry,
                operations: self.operations, wait: wait, logger: self.logger
            ).begin(from: fixed)
        }
        return SessionSubscribed(id, place: fixed.text)
    }

    package func unfollow(_ session: SessionID, _ id: SubscriptionID, of queue: QueueAddress) -> Bool {
        let isFollower = self.state.withLockedValue {
            $0.sessions[session.description]?.unfollow(queue, id) ?? false
        }
        if isFollower { self.registry.session(session)?.unfollow(id) }
        return isFollower
    }
}
