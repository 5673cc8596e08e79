package import Domain
import JSON

/// The option of a subscription that lives until it is deleted: `{"_no_end": true}` (docs/api.md, "Subscriptions").
package enum LifeOption {
    static let name = "_no_end"

    /// The ttl that such a subscription has and shows, s: the one that stands for ever among existing clients, near seven thousand years.
    package static let ttl = 220_367_260_800

    /// Whether the options ask for it.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    static func read(_ options: JSONObject) throws(Refusal) -> Bool {
        guard let value = options[Self.name] else { return false }
        guard let boolean = value.boolean else {
            throw .requestInvalid("The option \(Self.name) has to be a boolean.")
        }
        return boolean
    }

    /// Whether stored options ask for it.
    package static func isAsked(stored document: [UInt8]) -> Bool {
        guard let options = try? JSONObject(document: document) else { return false }
        return (try? Self.read(options)) ?? false
    }

    /// The ttl of a subscription, of what its body says of both.
    ///
    /// - Parameter ttl: nil: not said.
    /// - Throws: ``Refusal/requestInvalid(_:)`` for both, unless the ttl is the one that is shown.
    static func ttl(_ ttl: Int?, hasNoEnd: Bool) throws(Refusal) -> Int? {
        guard hasNoEnd else { return ttl }
        guard ttl == nil || ttl == Self.ttl else {
            throw .requestInvalid("The option \(Self.name) and a ttl exclude each other.")
        }
        return Self.ttl
    }

    /// Refuses a change that would leave a subscription with the option and an end, or without both.
    ///
    /// - Parameter document: The options that it has.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package static func check(_ patch: SubscriptionPatch, of document: [UInt8]) throws(Refusal) {
        let givesEnd = patch.options == nil && patch.ttl != nil && patch.ttl != Self.ttl
        guard givesEnd || patch.endsAgain && patch.ttl == nil, Self.isAsked(stored: document) else { return }
        throw .requestInvalid(
            givesEnd
                ? "A subscription that has no end takes a ttl beside options without \(Self.name)."
                : "A subscription that had no end needs a ttl beside options without \(Self.name).")
    }
}
