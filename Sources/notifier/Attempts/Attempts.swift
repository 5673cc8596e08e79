import Domain
import Signing
import Store
import Wire

/// Turns leases into requests.
struct Attempts: Sendable {
    /// What is to be done about one lease.
    enum Plan: Sendable {
        case send(Lease, AttemptTerms, WebhookDraft)
        /// Nothing is sent, and this is written down.
        case end(Lease, Settlement.Ending)
        /// Nothing can be sent, because the body does not open; it counts as an attempt like any other that failed.
        case fail(Lease, AttemptTerms, VaultError)
    }

    /// A request but for who wants to hear of it.
    struct WebhookDraft: Sendable {
        let url: String
        let host: String
        let headers: [String]
        let body: PinnedBytes
        /// Bytes of the body that no other request shares.
        let ownBytes: Int
    }

    private let store: Store
    private let vault: Vault
    private let recipients: Recipients
    private let confirmedOnly: Bool
    private let retryAfterMax: Duration

    /// - Parameters:
    ///   - confirmedOnly: Whether only subscribers that confirmed are notified.
    ///   - retryAfterMax: How far a `Retry-After` is obeyed.
    init(store: Store, masterKey: MasterKey, vault: Vault, confirmedOnly: Bool, retryAfterMax: Duration) {
        self.store = store
        self.vault = vault
        self.confirmedOnly = confirmedOnly
        self.retryAfterMax = retryAfterMax
        self.recipients = Recipients(subscriptions: store.subscriptions, masterKey: masterKey)
    }

    /// Plans the attempts of leases that came together, in their order.
    ///
    /// What the subscription and its queue say now counts, retry policies included, whatever they said when the message
    /// was posted.
    ///
    /// - Parameters:
    ///   - leases: All of one shard.
    ///   - now: By Redis' clock: what has expired by then is not attempted, and attempts are signed with it.
    /// - Throws: When Redis could not be asked where they go; then nothing has happened.
    func plan(_ leases: [Lease], in shard: Int, at now: Timestamp) async throws(StoreError) -> [Plan] {
        let recipients = try await self.recipients.find(leases, in: shard)
        // A message to many subscriptions of one queue is encoded once: their leases come one after the other.
        var encoded: (queue: QueueAddress, position: Position, body: PinnedBytes)?
        return leases.map { lease in
            guard now < lease.expiresAt else {
                return .end(lease, Self.giveUp(lease, .expired, "expired before attempt \(lease.attempt)"))
            }
            guard let recipient = recipients[lease.recipient], self.isWanted(lease, by: recipient) else {
                return .end(lease, .dropped)
            }
            guard recipient.scheme != .mailto else {
                return .end(lease, Self.giveUp(lease, .noTransport, "this house sends no mail"))
            }
            let terms = AttemptTerms(lease, to: recipient, retryAfterMax: self.retryAfterMax)
            var body: PinnedBytes
            do throws(VaultError) {
                if let known = encoded, known.position == lease.position, known.queue == lease.queue {
                    body = known.body
                } else {
                    body = try self.body(of: lease)
                    encoded = (lease.queue, lease.position, body)
                }
            } catch {
                return .fail(lease, terms, error)
            }
            if let template = recipient.template { body = body.withSpan { PinnedBytes(template.rendered(with: $0)) } }
            let headers = AttemptHeaders.lines(
                delivery: self.store.deliveries.deliveryID(subscription: lease.subscription, position: lease.position),
                message: lease.kind == .notification
                    ? self.store.messages.id(at: lease.position, in: lease.queue) : nil, lease: lease, at: now,
                body: body, to: recipient)
            let draft = WebhookDraft(
                url: recipient.url, host: recipient.host, headers: headers, body: body,
                ownBytes: recipient.template == nil ? 0 : body.count)
            return .send(lease, terms, draft)
        }
    }

    /// What becomes of what is not attempted: a test is gone.
    private static func giveUp(
        _ lease: Lease, _ reason: DeliveryDecision.Reason, _ summary: String
    ) -> Settlement.Ending {
        lease.kind == .test ? .dropped : .deadLetter(reason, summary: summary)
    }

    /// Whether the subscriber, as it is now, is to get this: a notification when it agreed, a confirmation until it did, and
    /// only while its link counts.
    private func isWanted(_ lease: Lease, by recipient: Recipient) -> Bool {
        switch lease.kind {
        case .notification, .test: !self.confirmedOnly || recipient.isConfirmed
        case .subscriptionConfirmation, .unsubscribeConfirmation:
            !recipient.isConfirmed
                && (recipient.barredLinkExpiry == 0 || Self.linkExpiry(of: lease) > recipient.barredLinkExpiry)
        }
    }

    /// When the link of a confirmation ends, seconds since the epoch; never, when its document cannot be read.
    private static func linkExpiry(of lease: Lease) -> Int64 {
        ConfirmationDocument.expires(in: Array(lease.body)).flatMap(SignedURLExpiry.init)?.seconds ?? .max
    }

    /// The request's body.
    ///
    /// What is sealed at rest is opened here, and nowhere before.
    private func body(of lease: Lease) throws(VaultError) -> PinnedBytes {
        var body = lease.body
        if lease.isSealed {
            let opened = try SealedBody.open(lease.body, of: lease.queue.project, in: self.vault)
            // Messages that were moved from queue to queue are not notified of.
            guard opened.queue == lease.queue else { throw .forged }
            body = opened.body[...]
        }
        guard lease.kind == .notification else { return PinnedBytes(Array(body)) }
        return PinnedBytes(
            NotificationPayload.encode(body: body, ttl: lease.ttl, delay: lease.delay, queue: lease.queue.name))
    }
}
