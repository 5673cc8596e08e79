package import Documents
package import Domain

/// What an attempt has to know about its subscription; shared by all attempts of it.
package final class Recipient: Sendable {
    package let destination: Destination
    /// What the channel of its destination knows of it; nil: there is none.
    package let target: (any ChannelTarget)?
    package let isConfirmed: Bool
    /// Links of confirmations that expire no later than this, seconds since the epoch, count no more: they were sent to
    /// another address.
    package let barredLinkExpiry: Int64
    /// nil: the subscription has none of its own.
    package let retryPolicy: RetryPolicy?
    /// Whether the answer that the subscriber is gone disables the subscription.
    package let disablesOnGone: Bool

    /// Bytes that its address and its options take here.
    package var byteCount: Int { self.target?.byteCount ?? 0 }

    package init(
        destination: Destination, target: (any ChannelTarget)?, isConfirmed: Bool, barredLinkExpiry: Int64 = 0,
        options: DeliveryOptions = DeliveryOptions()
    ) {
        self.destination = destination
        self.target = target
        self.isConfirmed = isConfirmed
        self.barredLinkExpiry = barredLinkExpiry
        self.retryPolicy = options.retryPolicy
        self.disablesOnGone = options.disablesOnGone
    }
}
