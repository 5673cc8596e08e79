import Documents
import Domain
import Placement
package import Signing
import Store

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
    /// The latest second at which a link expires of its own accord, some days before the last that can be spelled: so that
    /// a subscription's next address can always be sent links that expire later than those of the one before.
    private static let expiryMax: Int64 = 253_402_300_799 - 1_000_000
    /// Readings of the expiry that a link has to pass; each is needed only when the address changed since the last.
    private static let askingsMax = 8

    /// Asks a subscriber to confirm, or offers one that withdrew the way back; without confirmations it does nothing.
    ///
    /// It is sent when the address may be asked next (``QuestionSchedule``). A subscription that ended meanwhile, or was given
    /// another address, is asked nothing here.
    ///
    /// - Parameter ttl: Seconds the link works from then on.
    /// - Throws: ``StoreError/overloaded`` when too many questions wait for the address.
    func askConfirmation(
        _ kind: NotificationKind, of subscriber: String, _ id: SubscriptionID, of queue: QueueAddress, ttl: Int,
        now: Timestamp
    ) async throws(StoreError) {
        guard let confirmation = self.confirmation else { return }
        let at = try await self.stores.defaultStore.questions.reserve(
            kind, from: queue.project, to: subscriber, for: id)
        var end = min(max(now, at).seconds + Int64(ttl), Self.expiryMax)
        for _ in 0..<Self.askingsMax {
            guard let expiry = SignedURLExpiry(seconds: end) else { return }
            let link = SignedURL(
                paths: [ConfirmationDocument.path(of: queue, id)], methods: [ConfirmationDocument.method],
                project: queue.project.text, expiry: expiry)
            let document = ConfirmationDocument(
                kind: kind, queue: queue, subscription: id, signature: link.signature(key: confirmation.key),
                expires: expiry.text, publicURL: confirmation.publicURL)
            let question = ConfirmationRequest(
                kind: kind, subscriber: subscriber, at: at, ttl: Int(end - now.seconds), linkExpiry: end,
                document: document.encode())
            guard case .barred(let until) = try await self.store(of: queue).subscriptions.ask(queue, id: id, question)
            else { return }
            end = max(end, until + 1)
        }
        throw .overloaded
    }
}
