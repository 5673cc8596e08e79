package import Documents
package import Domain
import Placement
package import Store

/// Subscriptions of sessions: a connection that gets the messages of a queue itself.
extension Operations {
    /// Subscribes a session to a queue, and creates the queue if it does not exist.
    ///
    /// It is confirmed: the session has asked for itself.
    ///
    /// - Returns: The id, and how long it lives unless it is renewed, s.
    /// - Throws: ``Refusal/subscriptionExists(id:)`` when the session has one of this queue.
    package func createSessionSubscription(
        to queue: QueueAddress, of session: SessionAddress, _ body: SessionSubscriptionBody
    ) async throws -> (id: SubscriptionID, ttl: Int) {
        let ttl = body.ttl ?? self.limits.subscriptionTTLDefault
        let (id, outcome) = try await self.stores.making(queue) { place in
            try await place.store.subscriptions.create(
                queue, subscriber: Subscriber(session), ttl: ttl, options: body.options, pace: body.pace)
        }
        if case .exists = outcome { throw Refusal.subscriptionExists(id: id.text) }
        _ = try await self.store(of: queue).subscriptions.confirm(queue, id: id, true, linkExpiry: nil)
        return (id, ttl)
    }

    /// Lets a subscription live on for its ttl.
    ///
    /// - Returns: Whether it is still there.
    package func renewSessionSubscription(
        _ id: SubscriptionID, of queue: QueueAddress, ttl: Int
    ) async throws(StoreError) -> Bool {
        try await self.store(of: queue).subscriptions.update(
            queue, id: id, SubscriptionChange(ttl: ttl), resettingConfirmation: false) == .updated
    }

    /// Ends subscriptions; one that is not there is no error.
    package func endSessionSubscriptions(_ entries: [SessionNodes.Entry]) async throws(StoreError) {
        let results = await withTaskGroup(of: Result<Void, StoreError>.self) { group in
            for entry in entries {
                group.addTask {
                    do throws(StoreError) {
                        try await self.store(of: entry.queue).subscriptions.delete(entry.queue, id: entry.subscription)
                        return .success(())
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for result in results { try result.get() }
    }
}
