package import Domain
package import HTTPClient

/// The session, or the name of sessions, that one subscription belongs to.
package final class SessionTarget: ChannelTarget {
    /// nil for an address that Herald has not written: its attempts find the session gone.
    let subscriber: SessionSubscriber?
    let queue: QueueAddress
    /// Whether the session says of each message that it has it.
    let isAcknowledged: Bool
    /// The node, where an attempt ends as soon as its frame is written.
    ///
    /// What waits for a client is bounded for itself, so that no client takes what those of others need at its node.
    package let host: String
    package let byteCount: Int
    package let hasOwnBodies = false

    package init(_ address: String, of queue: QueueAddress, isAcknowledged: Bool = false) {
        self.subscriber = SessionSubscriber(address)
        self.queue = queue
        self.isAcknowledged = isAcknowledged
        switch self.subscriber {
        case .session(let address) where !isAcknowledged: self.host = address.node
        case .session, .named: self.host = "\(queue.key) \(address)"
        case nil: self.host = ""
        }
        self.byteCount = 3 * address.utf8.count + queue.key.utf8.count
    }

    package func ownBody(from document: PinnedBytes) -> PinnedBytes { document }
}
