import Domain

/// The header `Herald-Renew` of a request that subscribes (docs/api.md, "Subscriptions").
enum SubscriptionRenewal {
    static let header = "Herald-Renew"

    /// - Parameter value: Of the header; nil: it was not sent.
    /// - Throws: ``Refusal/requestInvalid(_:)`` for anything but `true` and `false`.
    static func isAsked(by value: String?) throws(Refusal) -> Bool {
        switch value {
        case nil, "false": return false
        case "true": return true
        default: throw .requestInvalid("The header \(Self.header) has to be true or false.")
        }
    }
}
