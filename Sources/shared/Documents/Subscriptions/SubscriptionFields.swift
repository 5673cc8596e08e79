import Domain
import JSON
import Mail

/// What a subscription is made of, checked alike whether it is created or changed.
///
/// Of every field `null` means: not given.
enum SubscriptionFields {
    /// 9999-12-31T23:59:59, the last moment every client can spell.
    private static let endMax: Int64 = 253_402_300_799

    static func uri(_ value: JSONValue, in object: JSONObject) throws(Refusal) -> String {
        guard let uri = object.text(value), !uri.isEmpty else {
            throw .bodyInvalid("The subscriber has to be a string that is not empty.")
        }
        return uri
    }

    /// Seconds, at least 60; nil: not given.
    static func ttl(of object: JSONObject, now: Timestamp) throws(Refusal) -> Int? {
        guard let value = object["ttl"] else { return nil }
        guard let ttl = value.integer else { throw .requestInvalid("The ttl of a subscription must be an integer.") }
        guard ttl >= Limits.ttlMin else {
            throw .requestInvalid("The ttl of a subscription has to be at least \(Limits.ttlMin) seconds.")
        }
        guard ttl <= Self.endMax - now.seconds else {
            throw .requestInvalid("A subscription has to end before the year 10000.")
        }
        return Int(ttl)
    }

    /// What the options of a subscription say beside how messages are sent.
    struct Options {
        /// The JSON object as it was written.
        let text: [UInt8]
        let pace: Pace
        let trust: TrustOption
        let signatures: SignatureSchemes
        let format: DeliveryFormat
        /// Whether it lives until it is deleted.
        let hasNoEnd: Bool
    }

    /// nil: not given.
    static func options(of object: JSONObject) throws(Refusal) -> Options? {
        guard let read = try Self.read(object) else { return nil }
        try SessionOptions.refuse(read.options)
        return Options(
            text: read.text, pace: read.pace, trust: read.trust, signatures: read.signatures,
            format: read.format,
            hasNoEnd: try LifeOption.read(read.options))
    }

    /// The same of a connection that subscribes itself.
    static func sessionOptions(
        of object: JSONObject
    ) throws(Refusal) -> (text: [UInt8], pace: Pace, session: SessionOptions)? {
        guard var read = try Self.read(object) else { return nil }
        guard read.options[LifeOption.name] == nil else {
            throw .requestInvalid(
                "The option \(LifeOption.name) is for subscriptions with a subscriber: a connection renews its own.")
        }
        let session = try SessionOptions(read.options, &read.pace)
        try read.signatures.check(for: .session)
        try read.format.check(for: .session)
        return (read.text, read.pace, session)
    }

    private static func read(
        _ object: JSONObject
    ) throws(Refusal) -> (
        text: [UInt8], options: JSONObject, pace: Pace, trust: TrustOption, signatures: SignatureSchemes,
        format: DeliveryFormat
    )? {
        guard let value = object["options"] else { return nil }
        guard let options = object.object(value) else {
            throw .requestInvalid("The options of a subscription must be a dict.")
        }
        let delivery = try DeliveryOptions(options)
        var pace = try PaceShape.read(options)
        pace.digest = delivery.mail.digest
        guard !pace.isOrdered || pace.digest == nil else {
            throw .requestInvalid("The options _ordered and _email.digest exclude each other.")
        }
        return (
            Array(object.verbatim(value)), options, pace, try TrustOption(options, delivery.headers),
            delivery.signatures, delivery.format
        )
    }
}
