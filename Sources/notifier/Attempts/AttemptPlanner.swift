import Documents
import Domain
import HTTPClient
import Signing
import Store

/// Turns leases into attempts.
struct AttemptPlanner: Sendable {
    /// Whether an attempt may begin now.
    enum Admission: Sendable {
        case admitted
        /// It may not, and this is written down.
        case ended(Settlement.Ending)
        /// It may not, because its host has as much in flight as may be.
        case full
        /// It may not, and the caller keeps it for later.
        case kept
    }

    /// What is to be done about one lease.
    enum Plan: Sendable {
        case send(LeasedDelivery, AttemptPolicy, AttemptDraft)
        /// Nothing is sent, and this is written down.
        case end(LeasedDelivery, Settlement.Ending)
        /// Nothing can be sent, because the body does not open; it counts as an attempt like any other that failed. It was
        /// admitted to this host.
        case fail(LeasedDelivery, AttemptPolicy, Destination, host: String, VaultError)
        /// Nothing yet, because the project has as many bytes in flight as it may. It was admitted to this host.
        case postpone(LeasedDelivery, host: String)
        /// Nothing until this host has capacity.
        case park(LeasedDelivery, host: String)
        /// Nothing for now, because its subscription cannot be read.
        case unreadable(LeasedDelivery)
        /// Nothing: it is kept for later.
        case keep
    }

    /// A delivery, and where it goes.
    struct Located: Sendable {
        let delivery: LeasedDelivery
        let found: Recipients.Found
    }

    /// What a channel needs for one attempt, beside the lease.
    struct AttemptDraft: Sendable {
        let destination: Destination
        let target: any ChannelTarget
        let delivery: DeliveryID
        let message: MessageID?
        let body: AttemptBody
        /// Whether the body is an array of the documents of several messages.
        let isCollected: Bool
        /// With this queue among the hops.
        let provenance: Provenance
    }

    private let store: Store
    private let vault: Vault
    private let recipients: Recipients
    private let addresses: AddressRules
    private let confirmedOnly: Set<Destination>
    private let notBeforeMax: Duration
    private let retryPolicyDefault: RetryPolicy
    private let budget: any BodyBudget

    /// - Parameters:
    ///   - addresses: Say which addresses may be sent to.
    ///   - confirmedOnly: The destinations whose subscribers are notified only once they have confirmed.
    ///   - notBeforeMax: How far a subscriber's request to wait is obeyed.
    ///   - retryPolicyDefault: Counts where neither a subscription nor its queue has one.
    ///   - budget: Counts the bodies.
    init(
        store: Store, recipients: Recipients, addresses: AddressRules, vault: Vault,
        confirmedOnly: Set<Destination>, notBeforeMax: Duration, retryPolicyDefault: RetryPolicy,
        budget: any BodyBudget
    ) {
        self.store = store
        self.vault = vault
        self.recipients = recipients
        self.addresses = addresses
        self.confirmedOnly = confirmedOnly
        self.notBeforeMax = notBeforeMax
        self.retryPolicyDefault = retryPolicyDefault
        self.budget = budget
    }

    /// Finds out where deliveries go, in their order.
    ///
    /// - Parameter deliveries: All of one shard.
    /// - Throws: When subscriptions could not be read; then nothing has happened.
    func locate(_ deliveries: [LeasedDelivery], in shard: Int) async throws(StoreError) -> [Located] {
        let recipients = try await self.recipients.find(deliveries.lazy.map(\.lease), in: shard)
        return zip(deliveries, recipients).map { Located(delivery: $0, found: $1) }
    }

    /// The address that has to be asked about before this is sent, see ``verdicts(on:at:)``; nil: nothing has to.
    ///
    /// What is not wanted is not sent, and so takes nothing of what an address may be sent.
    func address(of located: Located, at now: Timestamp) -> String? {
        // Of nearly all there is none.
        guard case .known(let recipient) = located.found, let address = recipient.target?.suppressibleAddress,
            self.isWanted(located.delivery.lease, by: recipient),
            located.delivery.all.contains(where: { now < $0.lease.expiresAt })
        else { return nil }
        return address
    }

    /// What may be sent to the addresses of deliveries, as the control store says.
    func verdicts(on deliveries: [Located], at now: Timestamp) async -> AddressRules.Verdicts {
        await self.addresses.verdicts(
            on: deliveries.compactMap { located in
                self.address(of: located, at: now).map { (located.delivery, $0) }
            })
    }

    /// Plans the attempts of leases, in their order.
    ///
    /// What the subscription and its queue say now counts, retry policies included, whatever they said when the message
    /// was posted. Nothing is encoded or signed for an attempt that is not admitted.
    ///
    /// - Parameters:
    ///   - verdicts: On those whose addresses had to be asked about: what is not in it is not sent to such an address.
    ///   - now: By Redis' clock: what has expired by then is not attempted, and attempts are signed with it.
    ///   - bodies: Those of the shard.
    ///   - admit: Called once for each that is to be attempted.
    func plan(
        _ deliveries: [Located], _ verdicts: AddressRules.Verdicts, at now: Timestamp, bodies: SharedBodies,
        admit: (LeasedDelivery, any ChannelTarget) -> Admission
    ) -> [Plan] {
        // A message to many subscriptions is encoded once, also when those of other projects come in between.
        var encoded: [BodyKey: AttemptBody] = [:]
        var plans: [Plan] = []
        plans.reserveCapacity(deliveries.count)
        for located in deliveries {
            let verdict = verdicts[located.delivery.id]
            for delivery in self.attempts(of: located, bodies, &encoded, at: now) {
                plans.append(self.plan(delivery, located.found, verdict, at: now, bodies, &encoded, admit))
            }
        }
        return plans
    }

    /// The attempts of a delivery: one, mostly.
    ///
    /// Of several that were to go out together those whose messages have expired or do not open are apart, and all are where the
    /// target takes no more than one.
    private func attempts(
        of located: Located, _ bodies: SharedBodies, _ encoded: inout [BodyKey: AttemptBody], at now: Timestamp
    ) -> [LeasedDelivery] {
        guard !located.delivery.collected.isEmpty else { return [located.delivery] }
        guard case .known(let recipient) = located.found, let target = recipient.target, target.collects else {
            return located.delivery.all
        }
        var (together, apart) = ([LeasedDelivery](), [LeasedDelivery]())
        for delivery in located.delivery.all {
            let hasExpired = now >= delivery.lease.expiresAt
            if !hasExpired, self.opens(delivery.lease, target, bodies, &encoded) {
                together.append(delivery)
            } else {
                apart.append(delivery)
            }
        }
        // In the order of the posts, whatever any of them waited for.
        together.sort { $0.lease.position < $1.lease.position }
        return apart + (LeasedDelivery(all: together).map { [$0] } ?? [])
    }

    private func opens(
        _ lease: Lease, _ target: any ChannelTarget, _ bodies: SharedBodies, _ encoded: inout [BodyKey: AttemptBody]
    ) -> Bool {
        guard lease.isSealed else { return true }
        do throws(VaultError) {
            _ = try self.body(of: lease, to: target, bodies, &encoded)
            return true
        } catch {
            // Said when it is planned by itself.
            return false
        }
    }

    private func plan(
        _ delivery: LeasedDelivery, _ found: Recipients.Found, _ verdict: AddressRules.Verdicts.Verdict?,
        at now: Timestamp, _ bodies: SharedBodies, _ encoded: inout [BodyKey: AttemptBody],
        _ admit: (LeasedDelivery, any ChannelTarget) -> Admission
    ) -> Plan {
        let lease = delivery.lease
        guard now < lease.expiresAt else {
            return .end(delivery, Self.giveUp(lease, .expired, "expired before attempt \(lease.attempt)"))
        }
        let recipient: Recipient
        switch found {
        case .known(let known): recipient = known
        case .gone: return .end(delivery, .ended)
        case .unreadable: return .unreadable(delivery)
        }
        guard self.isWanted(lease, by: recipient) else { return .end(delivery, .dropped) }
        guard let target = recipient.target else {
            let isMail = recipient.destination == .email
            let summary = isMail ? "no relay for mail is set" : "\(recipient.destination.rawValue) is not delivered"
            return .end(delivery, Self.giveUp(lease, isMail ? .noRelay : .noTransport, summary))
        }
        guard lease.provenance.hops < Limits.hopsMax || recipient.destination != .webhook else {
            return .end(
                delivery, Self.giveUp(lease, .hops, "the message came through \(lease.provenance.hops) queues before"))
        }
        switch verdict {
        case .permitted: break
        case .suppressed: return .end(delivery, Self.giveUp(lease, .suppressed, "the address is suppressed"))
        case .waits(let ending): return .end(delivery, ending)
        case nil: if target.suppressibleAddress != nil { return .end(delivery, .handedBack) }
        }
        switch admit(delivery, target) {
        case .admitted: break
        case .ended(let ending): return .end(delivery, ending)
        case .full: return .park(delivery, host: target.host)
        case .kept: return .keep
        }
        let policy = AttemptPolicy(
            lease, to: recipient, notBeforeMax: self.notBeforeMax, default: self.retryPolicyDefault)
        do throws(VaultError) {
            guard let body = try self.body(of: delivery, to: target, bodies, &encoded) else {
                return .postpone(delivery, host: target.host)
            }
            let draft = AttemptDraft(
                destination: recipient.destination, target: target,
                delivery: self.delivery(of: lease, delivery.all.map(\.lease.position)),
                message: self.message(of: lease),
                body: body, isCollected: !delivery.collected.isEmpty, provenance: lease.provenance.next)
            return .send(delivery, policy, draft)
        } catch {
            return .fail(delivery, policy, recipient.destination, host: target.host, error)
        }
    }

    /// The body of one attempt; of several messages the array of their documents.
    private func body(
        of delivery: LeasedDelivery, to target: any ChannelTarget, _ bodies: SharedBodies,
        _ encoded: inout [BodyKey: AttemptBody]
    ) throws(VaultError) -> AttemptBody? {
        guard !delivery.collected.isEmpty else {
            return try self.body(of: delivery.lease, to: target, bodies, &encoded)
        }
        var array: [UInt8] = []
        for one in delivery.all {
            guard let body = try self.body(of: one.lease, to: target, bodies, &encoded) else { return nil }
            array.append(UInt8(ascii: array.isEmpty ? "[" : ","))
            array += body.bytes.bytes
        }
        array.append(UInt8(ascii: "]"))
        return AttemptBody(PinnedBytes(array), of: delivery.lease.queue.project, budget: self.budget)
    }

    /// The body of one attempt: the document of its message, or one of its own when its target has such.
    ///
    /// - Parameter encoded: The messages met before; positions are unique in a shard.
    /// - Returns: nil when the project may hold no more.
    private func body(
        of lease: Lease, to target: any ChannelTarget, _ bodies: SharedBodies, _ encoded: inout [BodyKey: AttemptBody]
    ) throws(VaultError) -> AttemptBody? {
        let project = lease.queue.project
        let message: AttemptBody
        let key = BodyKey(position: lease.position, content: target.content)
        if let known = encoded[key] {
            message = known
        } else {
            let found = try bodies.body(of: lease, as: key.content) { () throws(VaultError) in
                guard self.budget.mayHold(project) else { return nil }
                return AttemptBody(try self.encode(lease, as: key.content), of: project, budget: self.budget)
            }
            guard let found else { return nil }
            message = found
            encoded[key] = message
        }
        guard target.hasOwnBodies else { return message }
        guard self.budget.mayHold(project) else { return nil }
        return AttemptBody(target.ownBody(from: message.bytes), of: project, budget: self.budget)
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
        case .notification, .test:
            recipient.isConfirmed
                || !self.confirmedOnly.contains(recipient.destination)
                    // A link is sent before the subscriber agreed, or after it left.
                    && !(recipient.destination.leavesByLink && recipient.isAsked)
        case .subscriptionConfirmation, .unsubscribeConfirmation:
            !recipient.isConfirmed
                && (recipient.barredLinkExpiry == 0 || Self.linkExpiry(of: lease) > recipient.barredLinkExpiry)
        }
    }

    /// When the link of a confirmation ends, seconds since the epoch; never, when its document cannot be read.
    private static func linkExpiry(of lease: Lease) -> Int64 {
        ConfirmationDocument.expires(in: Array(lease.body)).flatMap(SignedURLExpiry.init)?.seconds ?? .max
    }

    /// The document of a message, or of a confirmation.
    ///
    /// What is sealed at rest is opened here, and nowhere before.
    private func encode(_ lease: Lease, as content: DeliveryFormat.Content) throws(VaultError) -> PinnedBytes {
        var body = lease.body
        if lease.isSealed {
            let opened = try SealedBody.open(lease.body, of: lease.queue.project, in: self.vault)
            // Messages that were moved from queue to queue are not notified of.
            guard opened.queue == lease.queue else { throw .forged }
            body = opened.body[...]
        }
        switch content {
        case .notification:
            guard lease.kind == .notification else { return PinnedBytes(body) }
            return PinnedBytes(
                NotificationPayload.encode(body: body, ttl: lease.ttl, delay: lease.delay, queue: lease.queue.name))
        case .body: return PinnedBytes(Self.bareBody(of: lease, body))
        case .cloudEvent: return PinnedBytes(self.event(of: lease).encode(data: Self.bareBody(of: lease, body)))
        }
    }

    /// The body of a message or a test without what is around it; of a confirmation the whole document.
    private static func bareBody(of lease: Lease, _ opened: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard lease.kind == .test else { return opened }
        return NotificationPayload.body(in: Array(opened))?[...] ?? opened
    }

    private func event(of lease: Lease) -> CloudEvent {
        CloudEvent(
            message: self.message(of: lease), delivery: self.delivery(of: lease, [lease.position]), kind: lease.kind,
            queue: lease.queue.name)
    }

    /// nil: what is sent is no message that was posted.
    private func message(of lease: Lease) -> MessageID? {
        lease.kind == .notification ? self.store.messages.id(at: lease.position, in: lease.queue) : nil
    }

    private func delivery(of lease: Lease, _ positions: [Position]) -> DeliveryID {
        self.store.deliveries.deliveryID(subscription: lease.subscription, positions: positions)
    }
}
