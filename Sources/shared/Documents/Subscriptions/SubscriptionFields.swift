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

    /// Where a connection begins that follows a queue: nothing that a notifier could do.
    private static let from = "_from"

    /// The JSON object as it was written, and what it says of the pace; nil: not given.
    static func options(of object: JSONObject) throws(Refusal) -> (text: [UInt8], pace: Pace)? {
        guard let read = try Self.sessionOptions(of: object) else { return nil }
        guard read.from == nil else {
            throw .requestInvalid("The option _from is for a connection that subscribes itself, without a subscriber.")
        }
        return (read.text, read.pace)
    }

    /// The same of a connection that subscribes itself, with where it begins; nil: with what is notified from now on.
    static func sessionOptions(of object: JSONObject) throws(Refusal) -> (text: [UInt8], pace: Pace, from: String?)? {
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
        return (Array(object.verbatim(value)), pace, try Self.from(options, pace))
    }

    private static func from(_ options: JSONObject, _ pace: Pace) throws(Refusal) -> String? {
        guard let value = options[Self.from] else { return nil }
        guard let text = options.text(value) else { throw .requestInvalid("The option _from has to be a string.") }
        guard pace.maxPerSecond == nil else {
            throw .requestInvalid("The options _from and _rate_limit exclude each other.")
        }
        return text
    }
}
