package import Domain

/// The secrets of one subscription that count: the current one, and for a while after a rotation the one before.
package struct WebhookSecrets: Sendable {
    package let current: WebhookSecret
    /// nil when it was never rotated, or without an overlap.
    package let previous: Previous?
    /// Those of the other master key while that is changed.
    private let others: [WebhookSecrets]

    package struct Previous: Sendable {
        package let secret: WebhookSecret
        /// From then on nothing is signed with it.
        package let until: Timestamp
    }

    package init(current: WebhookSecret, previous: Previous? = nil, others: [WebhookSecrets] = []) {
        self.current = current
        self.previous = previous
        self.others = others
    }

    /// The value of the header `webhook-signature`: a signature for each secret that counts, the current one first, a blank
    /// between them.
    ///
    /// A receiver takes the request when any of them fits, so it may change over at any moment of the overlap.
    ///
    /// - Parameters:
    ///   - id: The header `webhook-id`; it may hold no full stop.
    ///   - now: The header `webhook-timestamp`, of which the seconds count.
    ///   - body: The request's body, byte for byte.
    package func signature(id: String, at now: Timestamp, body: Span<UInt8>) -> String {
        var text = self.current.signature(id: id, timestamp: now.seconds, body: body)
        if let previous, now < previous.until {
            text += " " + previous.secret.signature(id: id, timestamp: now.seconds, body: body)
        }
        for others in self.others { text += " " + others.signature(id: id, at: now, body: body) }
        return text
    }
}
