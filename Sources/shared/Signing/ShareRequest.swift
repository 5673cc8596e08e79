package import Domain

/// Makes pre-signed URLs (docs/api.md, "Pre-signed requests"): the other side of ``SignedURL/admits(_:method:path:keys:now:)``.
package enum ShareRequest {
    /// How long a URL holds when its maker does not say: a day, in seconds.
    package static let lifetimeDefault: Int64 = 86_400

    /// What is handed out.
    package struct Share: Sendable, Equatable {
        /// Paths, methods and expiry as they were signed, sorted.
        package let url: SignedURL
        package let signature: String
    }

    /// Signs access to parts of one queue, which need not be there.
    ///
    /// - Parameters:
    ///   - parts: The last segments of the paths, such as `messages`; at least one.
    ///   - methods: At least one.
    ///   - expires: ISO 8601, in the future; nil: ``lifetimeDefault`` from now.
    ///   - key: The newest key; nil when none is configured.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package static func sign(
        parts: [String], methods: [String], expires: String?, of queue: QueueAddress, key: SignedURLKey?, now: Timestamp
    ) throws(Refusal) -> Share {
        guard let key else { throw .requestInvalid("This service has no key to sign URLs with.") }
        guard !parts.isEmpty else { throw .requestInvalid("A pre-signed URL needs at least one path.") }
        guard !methods.isEmpty else { throw .requestInvalid("A pre-signed URL needs at least one method.") }
        let url = SignedURL(
            paths: parts.map { "/v2/queues/\(queue.name)/\($0)" }, methods: methods, project: queue.project.text,
            expiry: try Self.expiry(expires, now: now))
        return Share(url: url, signature: url.signature(key: key))
    }

    private static func expiry(_ text: String?, now: Timestamp) throws(Refusal) -> SignedURLExpiry {
        guard let text else {
            guard let expiry = SignedURLExpiry(seconds: now.seconds + Self.lifetimeDefault) else {
                throw .requestInvalid("The clock of this service is beyond the year 9999.")
            }
            return expiry
        }
        guard let expiry = SignedURLExpiry(text) else {
            throw .requestInvalid("expires has to be an ISO 8601 date, with or without a time.")
        }
        guard expiry.isAfter(now) else { throw .requestInvalid("expires has to lie in the future.") }
        return expiry
    }
}
