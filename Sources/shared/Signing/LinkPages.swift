package import Domain

/// Spells the addresses of the pages where subscribers confirm and leave.
package struct LinkPages: Sendable {
    /// Bytes of a root whose links fit into a header field of a mail, with the longest token.
    package static let rootBytesMax = 178

    /// What the addresses begin with: the public URL of the API and the prefix of the pages, without a slash at the end.
    package let root: String
    private let keys: LinkKeys

    /// - Parameter root: At most ``rootBytesMax`` bytes.
    package init(root: String, keys: LinkKeys) {
        precondition(root.utf8.count <= Self.rootBytesMax, "the root of the pages is too long")
        self.root = root
        self.keys = keys
    }

    /// Where a subscriber confirms.
    ///
    /// - Parameters:
    ///   - address: The subscriber, as the subscription has it.
    ///   - expiry: Seconds since the epoch.
    /// - Returns: nil when the project has more than ``LinkKeys/projectBytesMax`` bytes.
    package func confirmation(
        of subscription: SubscriptionID, in queue: QueueAddress, sentTo address: String, expiry: Int64
    ) -> String? {
        let token = LinkToken(.confirm, of: subscription, in: queue, sentTo: address, expiry: expiry)
        return self.keys.seal(token).map { "\(self.root)/confirm?token=\($0)" }
    }

    /// Where a subscriber leaves, with one request if its mail program makes it (RFC 8058); it never expires.
    ///
    /// - Parameter address: The subscriber, as the subscription has it.
    /// - Returns: nil when the project has more than ``LinkKeys/projectBytesMax`` bytes.
    package func unsubscription(
        of subscription: SubscriptionID, in queue: QueueAddress, sentTo address: String
    ) -> String? {
        let token = LinkToken(.unsubscribe, of: subscription, in: queue, sentTo: address)
        return self.keys.seal(token).map { "\(self.root)/unsubscribe?token=\($0)" }
    }
}
