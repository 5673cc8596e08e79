package import Domain
package import HTTPClient

/// The session of one subscription.
package final class SessionTarget: ChannelTarget {
    /// nil for an address that Herald has not written: its attempts find the session gone.
    let address: SessionAddress?
    let queue: QueueAddress
    /// The node: the engine bounds what is in flight to each.
    package let host: String
    package let byteCount: Int
    package let hasOwnBodies = false

    package init(_ address: String, of queue: QueueAddress) {
        self.address = SessionAddress(address)
        self.queue = queue
        self.host = self.address?.node ?? ""
        self.byteCount = 2 * address.utf8.count
    }

    package func ownBody(from document: PinnedBytes) -> PinnedBytes { document }
}
