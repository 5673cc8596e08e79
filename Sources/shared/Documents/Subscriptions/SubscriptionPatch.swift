package import Domain
import JSON

/// The body of a change of a subscription: any of `{"subscriber": "https://…", "ttl": 3600, "options": {…}}`.
package struct SubscriptionPatch: Sendable, Equatable {
    /// nil: not to be changed, as with the others; at least one is not nil.
    package let subscriber: Subscriber?
    /// Seconds from now, at least 60.
    package let ttl: Int?
    /// A JSON object as it was written; it replaces the old one whole.
    package let options: [UInt8]?
    /// Whether options are given, without `_no_end`: a subscription that had it needs a ttl then.
    package let endsAgain: Bool
    /// What those options say of it.
    package let pace: Pace
    package let trust: TrustOption
    package let signatures: SignatureSchemes
    package let format: DeliveryFormat

    /// What a repeated subscription changes of the one that is there: its life, and its options where it says some.
    ///
    /// - Parameter ttl: Seconds from now.
    package init(renewingBy body: SubscriptionBody, ttl: Int) {
        self.subscriber = nil
        self.options = body.saysOptions ? body.options : nil
        self.ttl = ttl
        self.endsAgain = false
        self.pace = body.pace
        self.trust = body.trust
        self.signatures = body.signatures
        self.format = body.format
    }

    /// Clients and tests compare several of the texts of refusals.
    ///
    /// - Parameters:
    ///   - now: Bounds `ttl`: a subscription must end before the year 10000.
    ///   - schemes: The kinds of subscriber that are taken.
    /// - Throws: ``Refusal/bodyInvalid(_:)``, ``Refusal/requestInvalid(_:)``,
    ///   ``Refusal/subscriberSchemeUnsupported(supported:)`` or ``Refusal/subscriptionUnchanged``.
    package init(
        document bytes: [UInt8], now: Timestamp, schemes: [Subscriber.Scheme] = Subscriber.Scheme.named
    ) throws(Refusal) {
        guard !bytes.isEmpty else { throw .subscriptionUnchanged }
        let object: JSONObject?
        do {
            object = try JSONObject(document: bytes)
        } catch {
            throw .unparsable(error)
        }
        guard let object else { throw .bodyInvalid("Subscriptions must be a dict.") }
        self.subscriber = try object["subscriber"].map { value throws(Refusal) in
            try Subscriber(try SubscriptionFields.uri(value, in: object), of: schemes)
        }
        let options = try SubscriptionFields.options(of: object)
        let ttl = try SubscriptionFields.ttl(of: object, now: now)
        self.ttl = try LifeOption.ttl(ttl, hasNoEnd: options?.hasNoEnd ?? false)
        self.endsAgain = options?.hasNoEnd == false
        self.options = options?.text
        self.pace = options?.pace ?? Pace()
        self.trust = options?.trust ?? .none
        self.signatures = options?.signatures ?? .symmetric
        self.format = options?.format ?? .zaqar
        guard self.subscriber != nil || self.ttl != nil || self.options != nil else { throw .subscriptionUnchanged }
    }
}
