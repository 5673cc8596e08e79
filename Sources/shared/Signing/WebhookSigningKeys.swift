package import Domain

/// The signing keys of one project that count: the current one, and for a while after a rotation the one before.
///
/// Other than ``WebhookSecrets`` they are those of all subscriptions of the project that ask for them.
package struct WebhookSigningKeys: Sendable {
    package let versions: SecretVersions
    package let current: WebhookSigningKey
    /// nil when it was never rotated, or without an overlap.
    package let previous: Previous?

    package struct Previous: Sendable {
        package let key: WebhookSigningKey
        /// From then on nothing is signed with it.
        package let until: Timestamp
    }

    init(versions: SecretVersions, current: WebhookSigningKey, previous: Previous?) {
        self.versions = versions
        self.current = current
        self.previous = previous
    }

    /// The values of the header `webhook-signature`: a signature by each key that counts, the current one first, a blank between
    /// them.
    ///
    /// - Parameters:
    ///   - id: The header `webhook-id`; it may hold no full stop.
    ///   - now: The header `webhook-timestamp`, of which the seconds count.
    ///   - body: The request's body, byte for byte.
    package func signature(id: String, at now: Timestamp, body: Span<UInt8>) -> String {
        let message = WebhookSigningKey.message(id: id, timestamp: now.seconds, body: body)
        let newest = self.current.signature(of: message)
        guard let previous, now < previous.until else { return newest }
        return newest + " " + previous.key.signature(of: message)
    }
}
