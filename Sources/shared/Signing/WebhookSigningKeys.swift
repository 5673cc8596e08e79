package import Domain

/// The signing keys of one project that count: the current one, and for a while after a rotation the one before.
///
/// Other than ``WebhookSecrets`` they are those of all subscriptions of the project that ask for them.
package struct WebhookSigningKeys: Sendable {
    package let versions: SecretVersions
    package let current: WebhookSigningKey
    /// nil when it was never rotated, or without an overlap.
    package let previous: Previous?
    /// Those of the other master key while that is changed.
    private let others: [WebhookSigningKeys]

    package struct Previous: Sendable {
        package let key: WebhookSigningKey
        /// From then on nothing is signed with it.
        package let until: Timestamp
    }

    init(
        versions: SecretVersions, current: WebhookSigningKey, previous: Previous?, others: [WebhookSigningKeys] = []
    ) {
        self.versions = versions
        self.current = current
        self.previous = previous
        self.others = others
    }

    /// The values of the header `webhook-signature`: a signature by each key that counts, the current one first, a blank between
    /// them.
    ///
    /// - Parameters:
    ///   - id: The header `webhook-id`; it may hold no full stop.
    ///   - now: The header `webhook-timestamp`, of which the seconds count.
    ///   - body: The request's body, byte for byte.
    package func signature(id: String, at now: Timestamp, body: Span<UInt8>) -> String {
        self.signature(of: WebhookSigningKey.message(id: id, timestamp: now.seconds, body: body), at: now)
    }

    private func signature(of message: [UInt8], at now: Timestamp) -> String {
        var text = self.current.signature(of: message)
        if let previous, now < previous.until { text += " " + previous.key.signature(of: message) }
        for others in self.others { text += " " + others.signature(of: message, at: now) }
        return text
    }
}
