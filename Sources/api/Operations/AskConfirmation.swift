import Domain
package import Signing
import Store
import Wire

/// How subscribers are asked whether they want to be notified; a house that does not ask has none of it.
package struct ConfirmationRules: Sendable {
    /// Signs the links.
    package let key: SignedURLKey
    /// The root of the REST API as subscribers reach it, without a slash at the end; nil: not known.
    package let publicURL: String?

    package init(key: SignedURLKey, publicURL: String?) {
        self.key = key
        self.publicURL = publicURL
    }
}

extension Operations {
    /// Asks a subscriber to confirm, or offers one that withdrew the way back; in a house that does not ask, does nothing.
    ///
    /// A subscription that ended meanwhile is asked nothing.
    ///
    /// - Parameter ttl: Seconds the link works.
    func askConfirmation(
        _ kind: NotificationKind, of subscriber: String, _ id: SubscriptionID, of queue: QueueAddress, ttl: Int,
        now: Timestamp
    ) async throws(StoreError) {
        guard let confirmation = self.confirmation else { return }
        // Whoever may subscribe for so long may also confirm until then: the ttl was checked against the calendar.
        guard let expiry = SignedURLExpiry(seconds: now.seconds + Int64(ttl)) else { return }
        let link = SignedURL(
            paths: [ConfirmationDocument.path(of: queue, id)], methods: [ConfirmationDocument.method],
            project: queue.project.text, expiry: expiry)
        let document = ConfirmationDocument(
            kind: kind, queue: queue, subscription: id, signature: link.signature(key: confirmation.key),
            expires: expiry.text, publicURL: confirmation.publicURL)
        _ = try await self.store(of: queue).subscriptions.ask(
            queue, id: id,
            ConfirmationRequest(kind: kind, subscriber: subscriber, ttl: ttl, document: document.encode()))
    }
}
