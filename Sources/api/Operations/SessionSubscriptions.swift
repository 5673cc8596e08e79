package import Documents
package import Domain
import Placement
package import Store

/// Subscriptions of sessions: a connection that gets the messages of a queue itself.
extension Operations {
    /// Subscribes a session to a queue, and creates the queue if it does not exist.
    ///
    /// One that is there, of the name or of a request whose outcome was not known, is changed to what the session says of it.
    ///
    /// - Returns: The id, how long it lives unless it is renewed, s, and whether it was there already.
    package func createSessionSubscription(
        to queue: QueueAddress, of session: SessionSubscriber, _ body: SessionSubscriptionBody
    ) async throws -> (id: SubscriptionID, ttl: Int, isNew: Bool) {
        let ttl = body.ttl ?? self.limits.subscriptionTTLDefault
        let (id, outcome) = try await self.subscribe(
            Subscriber(session), to: queue, ttl: ttl, options: body.options, pace: body.pace)
        if outcome == .created { return (id, ttl, true) }
        let change = SubscriptionChange(ttl: ttl, options: body.options, pace: body.pace)
        let updated = try await self.store(of: queue).subscriptions.update(
            queue, id: id, change, resettingConfirmation: false)
        // It ended between the two: the client repeats, and gets a new one.
        guard updated == .updated else { throw StoreError.contended }
        return (id, ttl, false)
    }

    /// Has messages go out that wait for a session of the name of their subscription.
    package func wakeSessionSubscription(_ id: SubscriptionID, of queue: QueueAddress) async throws(StoreError) {
        try await self.store(of: queue).deliveries.wake(queue, subscription: id)
    }

    /// Whether a subscription is there.
    package func hasSubscription(_ id: SubscriptionID, of queue: QueueAddress) async throws(StoreError) -> Bool {
        try await self.store(of: queue).subscriptions.get(queue, id: id) != nil
    }

    /// Confirms a subscription for a session that has asked for itself.
    package func confirmSessionSubscription(_ id: SubscriptionID, of queue: QueueAddress) async throws(StoreError) {
        _ = try await self.store(of: queue).subscriptions.confirm(queue, id: id, true, linkExpiry: nil)
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

    /// Ends subscriptions, all of them at once; one that is not there is no error.
    ///
    /// - Returns: Those that have ended, and why the first of the others has not.
    package func endSessionSubscriptions(
        _ entries: some Collection<SessionNodes.Entry>
    ) async -> (ended: [SessionNodes.Entry], failure: StoreError?) {
        await withTaskGroup(of: (SessionNodes.Entry, StoreError?).self) { group in
            for entry in entries {
                group.addTask {
                    do throws(StoreError) {
                        try await self.store(of: entry.queue).subscriptions.delete(entry.queue, id: entry.subscription)
                        return (entry, nil)
                    } catch {
                        return (entry, error)
                    }
                }
            }
            return await group.reduce(into: ([], nil)) { result, one in
                if let failure = one.1 { result.1 = result.1 ?? failure } else { result.0.append(one.0) }
            }
        }
    }
}
