package import Documents
package import Domain
package import Signing

/// Delivers notifications to sessions of API nodes, through one relay that all engines of the process share.
package final class SessionChannel: Channel {
    package let destination = Destination.session
    private let relay: SessionRelay
    private let user: Int

    package init(relay: SessionRelay) {
        self.relay = relay
        self.user = relay.register()
    }

    package func target(
        _ address: String, of subscription: SubscriptionID, in queue: QueueAddress, options: DeliveryOptions,
        secrets: WebhookSecrets, keys: WebhookSigningKeys?
    ) -> any ChannelTarget {
        SessionTarget(address, of: queue, isAcknowledged: options.isAcknowledged)
    }

    package func send(_ attempts: [Attempt]) { self.relay.send(attempts, of: self.user) }

    package func drain() { self.relay.drain(for: self.user) }

    package func abortAll() { self.relay.abortAll(of: self.user) }

    package func stop() { self.relay.close(for: self.user) }
}
