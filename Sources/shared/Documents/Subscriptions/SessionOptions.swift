package import Domain
import JSON

/// The options that only a connection has that subscribes itself (docs/websocket.md).
///
/// | option | |
/// |---|---|
/// | `_from` | string: it follows the queue from there on, and nothing is sent by notifiers |
/// | `_ack` | boolean: each message is to be acknowledged |
/// | `_ack_timeout` | integer, s: how long a message waits for that before it is sent again |
/// | `_window` | integer: messages that may wait for it at once |
/// | `_renew` | boolean: whether it lives on while the connection is open; true unless it says otherwise |
/// | `_name` | string: the subscription outlives the connection, and the next one of that name goes on with it |
package struct SessionOptions: Sendable, Equatable {
    /// Where it begins to follow the queue, as the client wrote it; nil: it is notified.
    package let from: String?
    /// nil: a message is delivered when it is written to the connection.
    package let acknowledgement: Acknowledgement?
    package let name: SessionName?
    /// Whether its ttl begins anew while the connection is open.
    package let isRenewed: Bool

    enum Name {
        static let from = "_from"
        static let acknowledgement = "_ack"
        static let timeout = "_ack_timeout"
        static let window = "_window"
        static let name = "_name"
        static let renewal = "_renew"

        static let all = [from, acknowledgement, timeout, window, name, renewal]
    }

    /// Of a subscription without options.
    static let none = SessionOptions(from: nil, acknowledgement: nil, name: nil, isRenewed: true)

    private init(from: String?, acknowledgement: Acknowledgement?, name: SessionName?, isRenewed: Bool) {
        self.from = from
        self.acknowledgement = acknowledgement
        self.name = name
        self.isRenewed = isRenewed
    }

    /// - Parameter pace: Gets what the options say of it.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    init(_ options: JSONObject, _ pace: inout Pace) throws(Refusal) {
        let from = try Self.from(options, pace)
        let acknowledgement = try Self.acknowledgement(options)
        let isRenewed = try Self.boolean(Name.renewal, of: options)
        let name = try Self.name(options)
        pace.inFlightMax = try Self.integer(Name.window, Pace.inFlightRange, of: options)
        if acknowledgement == nil {
            for name in [Name.timeout, Name.window, Name.name] where options[name] != nil {
                throw .requestInvalid(
                    "The option \(name) is for subscriptions with the option \(Name.acknowledgement).")
            }
        }
        for (name, isThere) in [(Name.acknowledgement, acknowledgement != nil), (Name.renewal, isRenewed != nil)]
        where isThere && from != nil {
            throw .requestInvalid("The options \(Name.from) and \(name) exclude each other.")
        }
        guard from == nil || !pace.isFiltered else {
            throw .requestInvalid("The options \(Name.from) and \(FilterOption.name) exclude each other.")
        }
        guard acknowledgement == nil || pace.digest == nil else {
            throw .requestInvalid("The options \(Name.acknowledgement) and _email.digest exclude each other.")
        }
        self.init(from: from, acknowledgement: acknowledgement, name: name, isRenewed: isRenewed ?? true)
    }

    /// Whether the stored options of a subscription have its messages acknowledged.
    static func acknowledges(_ options: JSONObject) -> Bool { options[Name.acknowledgement]?.boolean == true }

    /// Refuses them for any other subscription.
    static func refuse(_ options: JSONObject) throws(Refusal) {
        for name in Name.all where options[name] != nil {
            throw .requestInvalid(
                "The option \(name) is for a connection that subscribes itself, without a subscriber.")
        }
    }

    private static func from(_ options: JSONObject, _ pace: Pace) throws(Refusal) -> String? {
        guard let value = options[Name.from] else { return nil }
        guard let text = options.text(value) else {
            throw .requestInvalid("The option \(Name.from) has to be a string.")
        }
        guard pace.maxPerSecond == nil else {
            throw .requestInvalid("The options \(Name.from) and _rate_limit exclude each other.")
        }
        return text
    }

    private static func acknowledgement(_ options: JSONObject) throws(Refusal) -> Acknowledgement? {
        let timeout = try Self.integer(Name.timeout, Acknowledgement.timeoutRange, of: options)
        guard try Self.boolean(Name.acknowledgement, of: options) == true else { return nil }
        return Acknowledgement(timeout: timeout ?? Acknowledgement.timeoutDefault)
    }

    private static func boolean(_ name: String, of options: JSONObject) throws(Refusal) -> Bool? {
        guard let value = options[name] else { return nil }
        guard let boolean = value.boolean else { throw .requestInvalid("The option \(name) has to be a boolean.") }
        return boolean
    }

    private static func integer(
        _ name: String, _ range: ClosedRange<Int>, of options: JSONObject
    ) throws(Refusal) -> Int? {
        guard let value = options[name] else { return nil }
        guard let number = value.integer, range.contains(Int(number)) else {
            throw .requestInvalid(
                "The option \(name) has to be an integer from \(range.lowerBound) to \(range.upperBound).")
        }
        return Int(number)
    }

    private static func name(_ options: JSONObject) throws(Refusal) -> SessionName? {
        guard let value = options[Name.name] else { return nil }
        guard let name = options.text(value).flatMap(SessionName.init) else {
            throw .requestInvalid("The option \(Name.name) has to be a string of \(QueueName.allowed).")
        }
        return name
    }
}
