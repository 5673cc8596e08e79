import Domain
import Store

/// How a subscription is served: shown, paused, resumed.
extension Operations {
    /// A page of the last attempts made for a subscription, newest first.
    ///
    /// A marker that is no number lists nothing.
    ///
    /// - Parameter marker: The number of an attempt; those before it are listed.
    /// - Throws: ``Refusal/subscriptionNotFound``.
    func attempts(
        of text: String, in queue: QueueAddress, marker: String?, limit: Int
    ) async throws -> [AttemptView] {
        let id = try await self.subscriptionID(text, of: queue)
        let store = try await self.store(of: queue)
        guard let log = try await store.deliveries.attempts(of: queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
        let end = marker.map { Int($0) ?? 0 } ?? .max
        return log.attempts.drop { $0.number >= end }.prefix(limit).map { logged in
            AttemptView(
                logged, delivery: store.deliveries.deliveryID(subscription: id, position: logged.position),
                message: logged.report.kind == .notification
                    ? store.messages.id(at: logged.position, in: queue) : nil)
        }
    }

    /// - Throws: ``Refusal/subscriptionNotFound``.
    func health(of text: String, in queue: QueueAddress) async throws -> SubscriptionHealth {
        let id = try await self.subscriptionID(text, of: queue)
        guard let health = try await self.store(of: queue).deliveries.health(of: queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
        return health
    }

    /// Starts no attempt of a subscription until it is resumed.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    func pause(_ text: String, of queue: QueueAddress) async throws {
        let id = try await self.subscriptionID(text, of: queue)
        guard try await self.store(of: queue).deliveries.pause(queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
    }

    /// Ends what keeps a subscription from being served.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    func resume(_ text: String, of queue: QueueAddress) async throws {
        let id = try await self.subscriptionID(text, of: queue)
        guard try await self.store(of: queue).deliveries.resume(queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
    }
}
