package import Domain
package import JSON

/// The body of a subscription create: `{"subscriber": "https://…", "ttl": 3600, "options": {…}}`.
package struct SubscriptionBody: Sendable {
    package let subscriber: Subscriber
    /// Seconds, at least 60; nil: not said.
    package let ttl: Int?
    /// A JSON object as it was written; `{}` when it was not.
    package let options: [UInt8]
    /// Whether it was.
    package let saysOptions: Bool
    /// What the options say of it.
    package let pace: Pace
    package let trust: TrustOption
    package let signatures: SignatureSchemes
    package let format: DeliveryFormat

    /// Reads the body; no bytes count as `{}`.
    ///
    /// Clients and tests compare several of the texts of refusals.
    ///
    /// - Parameters:
    ///   - now: Bounds `ttl`: a subscription must end before the year 10000.
    ///   - schemes: The kinds of subscriber that are taken.
    /// - Throws: ``Refusal/bodyInvalid(_:)``, ``Refusal/requestInvalid(_:)`` or
    ///   ``Refusal/subscriberSchemeUnsupported(supported:)``.
    package init(
        document bytes: [UInt8], now: Timestamp, schemes: [Subscriber.Scheme] = Subscriber.Scheme.named
    ) throws(Refusal) {
        let object: JSONObject?
        do {
            object = try JSONObject(document: bytes.isEmpty ? Array("{}".utf8) : bytes)
        } catch {
            throw .unparsable(error)
        }
        guard let object else { throw .bodyInvalid("Subscriptions must be a dict.") }
        try self.init(object, now: now, schemes: schemes)
    }

    /// The same of a body that is an object.
    package init(_ object: JSONObject, now: Timestamp, schemes: [Subscriber.Scheme]) throws(Refusal) {
        guard let value = object["subscriber"] else { throw .bodyInvalid("Missing parameter subscriber in body.") }
        let uri = try SubscriptionFields.uri(value, in: object)
        let ttl = try SubscriptionFields.ttl(of: object, now: now)
        let options = try SubscriptionFields.options(of: object)
        self.subscriber = try Subscriber(uri, of: schemes)
        self.ttl = try LifeOption.ttl(ttl, hasNoEnd: options?.hasNoEnd ?? false)
        self.options = options?.text ?? Array("{}".utf8)
        self.saysOptions = options != nil
        self.pace = options?.pace ?? Pace()
        self.trust = options?.trust ?? .none
        self.signatures = options?.signatures ?? .symmetric
        self.format = options?.format ?? .zaqar
        try self.trust.check(for: self.subscriber.scheme)
        try self.signatures.check(for: self.subscriber.scheme.destination)
        try self.format.check(for: self.subscriber.scheme.destination)
    }
}

/// What a connection says of a subscription of itself: `{"ttl": 3600, "options": {…}}`.
package struct SessionSubscriptionBody: Sendable {
    /// Seconds, at least 60; nil: not said.
    package let ttl: Int?
    /// A JSON object as it was written; `{}` when it was not.
    package let options: [UInt8]
    /// What the options say of it.
    package let pace: Pace
    package let session: SessionOptions

    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package init(_ object: JSONObject, now: Timestamp) throws(Refusal) {
        self.ttl = try SubscriptionFields.ttl(of: object, now: now)
        let options = try SubscriptionFields.sessionOptions(of: object)
        self.session = options?.session ?? .none
        self.options = options?.text ?? Array("{}".utf8)
        self.pace = options?.pace ?? Pace()
    }
}
